import { errorMessage } from "#base";
import type { Connection, Dialer } from "#client";
import { cliErrors } from "../errors.ts";
import { writeText } from "../output/write.ts";

const runDirectory = "/run/berth";
const logPath = `${runDirectory}/daemon.log`;
const startLimitMs = 15_000;
/** How a daemon ends when another has the roots: commands that ran at once have each started one. */
const anotherDaemonStatus = 75;

/** True for the errors of dialling a socket nobody listens on. */
function isNobodyThere(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOENT" || code === "ECONNREFUSED";
}

/**
 * The command line of this program's own daemon, from a checkout or from the single file. Bun must not read settings of
 * the directory we happen to be in (as in `bin/berth`).
 */
function daemonCommand(): string[] {
  const script = Bun.main;
  if (script.startsWith("/$bunfs/")) return [process.execPath, "daemon"];
  return [process.execPath, "--no-env-file", "--config=/dev/null", script, "daemon"];
}

/** What the daemon said last of why it cannot start: the text of its log's last error, with the hint below it. */
export function lastReason(log: string): string {
  const lines = log.trimEnd().split("\n");
  const hint = (lines.at(-1) ?? "").startsWith("Hint: ") ? `\n${lines.pop()}` : "";
  const line = lines.at(-1) ?? "";
  const quoted = /\berror=("(?:[^"\\]|\\.)*"|\S+)/.exec(line)?.[1];
  const reason = quoted?.startsWith('"') === true ? (JSON.parse(quoted) as string) : (quoted ?? line);
  return `${reason.replace(/^berth daemon: /, "")}${hint}`;
}

async function readReason(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return lastReason(await readFile(logPath, "utf8").catch(() => ""));
}

/**
 * Starts the daemon in a session of its own, with its log in the run directory. It outlives this command.
 * Returns a promise of its early end, which is a failure unless another daemon was quicker.
 */
async function spawnDaemon(): Promise<{ ended: Promise<number>; forget: () => void }> {
  const [{ spawn }, { mkdirSync, openSync, closeSync }] = await Promise.all([
    import("node:child_process"),
    import("node:fs"),
  ]);
  let log: number;
  try {
    mkdirSync(runDirectory, { recursive: true, mode: 0o755 });
    log = openSync(logPath, "a", 0o640);
  } catch (error) {
    throw cliErrors["daemon-start-failed"](errorMessage(error), logPath);
  }
  const [program = "", ...args] = daemonCommand();
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log], cwd: "/" });
  closeSync(log);
  const ended = new Promise<number>((resolve) => {
    child.once("exit", (code) => resolve(code ?? 255));
    child.once("error", () => resolve(255));
  });
  return { ended, forget: () => child.unref() };
}

/**
 * Wraps a dialer of the default socket: when nobody listens, starts the daemon (saying so once), waits until it
 * answers, and goes on. A user who names a daemon gets the error instead: it is not ours to start.
 */
export function startDaemonIfNeeded(dial: Dialer): Dialer {
  return async (endpoint, signal): Promise<Connection> => {
    try {
      return await dial(endpoint, signal);
    } catch (error) {
      if (!isNobodyThere(error)) throw error;
    }
    if (process.getuid?.() !== 0) throw cliErrors["daemon-start-root"]();
    writeText(2, "The berth daemon is not running: starting it\n");
    const { ended, forget } = await spawnDaemon();
    let exitCode: number | undefined;
    void ended.then((code) => {
      exitCode = code;
    });
    const deadline = Date.now() + startLimitMs;
    let problem = "it does not answer";
    while (Date.now() < deadline) {
      try {
        const connection = await dial(endpoint, signal);
        forget();
        return connection;
      } catch (error) {
        if (!isNobodyThere(error)) throw error;
      }
      if (exitCode !== undefined && exitCode !== anotherDaemonStatus) {
        problem = (await readReason()) || `it ended with status ${exitCode}`;
        break;
      }
      await Bun.sleep(10);
    }
    throw cliErrors["daemon-start-failed"](problem, logPath);
  };
}
