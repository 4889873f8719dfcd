import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { followTerminalSize } from "../streams/resize.ts";
import { detachKeysOf } from "../streams/detach-keys.ts";
import { runSession } from "../streams/session.ts";
import { proxySignals } from "../streams/signals.ts";
import { isTerminal } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Attach local standard input, output, and error streams to a running container",
  synopsis: "[OPTIONS] CONTAINER",
  aliases: ["container attach", "attach"],
  operands: { min: 1, max: 1 },
  completes: () => "running-container",
  examples: [["Watch a container without typing into it", "berth attach --no-stdin web"]],
  flags: {
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    "no-stdin": flag.boolean("Do not attach STDIN"),
    "sig-proxy": flag.boolean("Proxy all received signals to the process", { default: true }),
  },
  async run({ client }, flags, [name = ""]) {
    const container = await client.containers.inspect(name);
    const { State, Config } = container;
    if (!State.Running) {
      throw cliErrors["bad-option"]("You cannot attach to a stopped container, start it first");
    }
    if (State.Paused) throw cliErrors["bad-option"]("You cannot attach to a paused container, unpause it first");
    if (State.Restarting)
      throw cliErrors["bad-option"]("You cannot attach to a restarting container, wait until it is running");
    const terminal = Config.Tty === true;
    const stdin = !flags["no-stdin"] && Config.OpenStdin === true;
    const inputIsTerminal = isTerminal(0);
    if (stdin && terminal && !inputIsTerminal) throw cliErrors["not-a-terminal"]();
    const { exited } = await client.containers.wait(container.Id);
    const stream = await client.containers.attach(container.Id, {
      stdin,
      stdout: true,
      stderr: true,
      detachKeys: detachKeysOf(flags),
    });
    const stopSignals =
      flags["sig-proxy"] && !terminal
        ? proxySignals((signal) => client.containers.kill(container.Id, signal))
        : () => {};
    const stopResizing =
      terminal && isTerminal(1) ? followTerminalSize((size) => client.containers.resize(container.Id, size)) : () => {};
    try {
      const end = await runSession(stream, {
        terminal,
        stdin,
        stdout: true,
        stderr: true,
        rawInput: stdin && terminal && inputIsTerminal,
        detachKeys: detachKeysOf(flags),
      });
      if (end === "detached") return 0;
      return (await exited).StatusCode;
    } finally {
      stopResizing();
      stopSignals();
    }
  },
});
