import { existsSync, rmSync, writeFileSync } from "node:fs";
import { EngineError, errorMessage } from "#base";
import { errors } from "./errors.ts";
import { parseDaemonOptions } from "./options.ts";
import { selfCommand } from "./self.ts";

const unitPath = "/etc/systemd/system/berth.service";

/** A word of a command line as systemd.service(5) reads it: `%` and `$` would be specifiers and variables. */
function quote(word: string): string {
  if (/^[\w./:=@,+-]+$/.test(word)) return word;
  return `"${word
    .replaceAll(/(["\\])/g, "\\$1")
    .replaceAll("%", "%%")
    .replaceAll("$", "$$$$")}"`;
}

/** The unit: restarts on failure, and stopping it leaves containers and supervisor alone (KillMode=process). */
export function unitText(daemonArguments: readonly string[]): string {
  return `[Unit]
Description=Berth container engine
Documentation=man:systemd.service(5)
After=network-online.target nss-lookup.target
Wants=network-online.target

[Service]
Type=exec
ExecStart=${[...selfCommand("daemon"), ...daemonArguments].map(quote).join(" ")}
# Containers belong to the supervisor, which outlives the daemon.
KillMode=process
Delegate=yes
Restart=on-failure
RestartSec=1
LimitNOFILE=infinity
LimitNPROC=infinity
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`;
}

function systemctl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["systemctl", ...args]);
  if (exitCode !== 0) throw new Error(`systemctl ${args.join(" ")}: ${stderr.toString().trim()}`);
}

/**
 * `berth daemon install [daemon flags]` makes the daemon a systemd service and starts it; `uninstall` takes it away
 * again and leaves images, containers and volumes where they are. The exit status is the result.
 */
export function runServiceCommand(command: "install" | "uninstall", argv: readonly string[]): number {
  try {
    if (process.getuid?.() !== 0) throw errors.notRoot();
    if (!existsSync("/run/systemd/system")) throw errors.systemdMissing();
    if (command === "uninstall") {
      systemctl("disable", "--now", "berth.service");
      rmSync(unitPath, { force: true });
      systemctl("daemon-reload");
      process.stdout.write(`Removed ${unitPath}\n`);
      return 0;
    }
    parseDaemonOptions(argv);
    writeFileSync(unitPath, unitText(argv), { mode: 0o644 });
    systemctl("daemon-reload");
    systemctl("enable", "--now", "berth.service");
    process.stdout.write(`Wrote ${unitPath}; the daemon runs (journalctl -u berth shows its log)\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`berth daemon ${command}: ${errorMessage(error)}\n`);
    if (error instanceof EngineError && error.hint !== undefined) process.stderr.write(`Hint: ${error.hint}\n`);
    return 1;
  }
}
