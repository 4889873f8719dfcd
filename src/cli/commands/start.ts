import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { startFailureCode, withExitCode } from "../exit-code.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { followTerminalSize } from "../streams/resize.ts";
import { detachKeysOf } from "../streams/detach-keys.ts";
import { runSession } from "../streams/session.ts";
import { proxySignals } from "../streams/signals.ts";
import { isTerminal } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Start one or more stopped containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container start", "start"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  examples: [["Start a container and watch its output", "berth start --attach job"]],
  flags: {
    attach: flag.boolean("Attach STDOUT/STDERR and forward signals", { short: "a" }),
    checkpoint: flag.string("Restore from this checkpoint", { hidden: true }),
    "checkpoint-dir": flag.string("Use a custom checkpoint storage directory", { hidden: true }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    interactive: flag.boolean("Attach container's STDIN", { short: "i" }),
  },
  async run({ client }, flags, names, given) {
    for (const name of ["checkpoint", "checkpoint-dir"]) {
      if (given.has(name)) throw cliErrors["experimental-flag"](name);
    }
    if (!flags.attach && !flags.interactive) {
      const failed: string[] = [];
      const status = await forEachName(names, async (name) => {
        try {
          await client.containers.start(name);
        } catch (error) {
          failed.push(name);
          throw error;
        }
        return name;
      });
      if (status !== 0) writeText(2, `Error: failed to start containers: ${failed.map(printableLine).join(", ")}\n`);
      return status;
    }
    if (names.length > 1) throw cliErrors["bad-option"]("you cannot start and attach multiple containers at once");
    const container = await client.containers.inspect(names[0] ?? "");
    const terminal = container.Config.Tty === true;
    const stdin = flags.interactive && container.Config.OpenStdin === true;
    const inputIsTerminal = isTerminal(0);
    if (stdin && terminal && !inputIsTerminal) throw cliErrors["not-a-terminal"]();
    const stream = await client.containers.attach(container.Id, {
      stdin,
      stdout: true,
      stderr: true,
      detachKeys: detachKeysOf(flags),
    });
    const condition = container.HostConfig.AutoRemove === true ? "removed" : "next-exit";
    const { exited } = await client.containers.wait(container.Id, { condition });
    const stopSignals = terminal ? () => {} : proxySignals((signal) => client.containers.kill(container.Id, signal));
    let stopResizing = () => {};
    const session = runSession(stream, {
      terminal,
      stdin,
      stdout: true,
      stderr: true,
      rawInput: stdin && terminal && inputIsTerminal,
      detachKeys: detachKeysOf(flags),
    });
    session.catch(() => {});
    try {
      try {
        await client.containers.start(container.Id);
      } catch (error) {
        stream.destroy();
        throw withExitCode(error as Error, startFailureCode(error) === 125 ? 1 : startFailureCode(error));
      }
      if (terminal && isTerminal(1)) {
        stopResizing = followTerminalSize((size) => client.containers.resize(container.Id, size));
      }
      if ((await session) === "detached") return 0;
      return (await exited).StatusCode;
    } finally {
      stopResizing();
      stopSignals();
    }
  },
});
