import type { CreateExecBody } from "#formats";
import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { startFailureCode, withExitCode } from "../exit-code.ts";
import { flag } from "../flags/flag.ts";
import { readEnvironment } from "../container-options/environment.ts";
import { followTerminalSize } from "../streams/resize.ts";
import { detachKeysOf } from "../streams/detach-keys.ts";
import { runSession } from "../streams/session.ts";
import { isTerminal, terminalSize } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Execute a command in a running container",
  synopsis: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  aliases: ["container exec", "exec"],
  operands: { min: 2, max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  completes: (index) => (index === 0 ? "running-container" : undefined),
  examples: [
    ["A shell in a running container", "berth exec -it web sh"],
    ["A command as another user, with a variable", "berth exec --user www-data --env DEBUG=1 web ./check"],
  ],
  flags: {
    detach: flag.boolean("Detached mode: run command in the background", { short: "d" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    env: flag.list("Set environment variables", { short: "e" }),
    "env-file": flag.list("Read in a file of environment variables"),
    interactive: flag.boolean("Keep STDIN open even if not attached", { short: "i" }),
    privileged: flag.boolean("Give extended privileges to the command"),
    tty: flag.boolean("Allocate a pseudo-TTY", { short: "t" }),
    user: flag.string('Username or UID (format: "<name|uid>[:<group|gid>]")', { short: "u" }),
    workdir: flag.string("Working directory inside the container", { short: "w" }),
  },
  async run({ client }, flags, [name = "", ...commandLine]) {
    const inputIsTerminal = flags.interactive && isTerminal(0);
    if (flags.interactive && flags.tty && !inputIsTerminal && !flags.detach) throw cliErrors["not-a-terminal"]();
    const size = flags.tty && !flags.detach ? terminalSize() : undefined;
    const consoleSize = size === undefined ? undefined : ([size.rows, size.columns] as const);
    const body: CreateExecBody = {
      User: flags.user,
      Privileged: flags.privileged,
      Tty: flags.tty,
      ...(consoleSize !== undefined && { ConsoleSize: [...consoleSize] }),
      AttachStdin: flags.interactive && !flags.detach,
      AttachStderr: !flags.detach,
      AttachStdout: !flags.detach,
      Detach: flags.detach,
      DetachKeys: detachKeysOf(flags),
      Env: readEnvironment(flags.env, flags["env-file"]),
      WorkingDir: flags.workdir,
      Cmd: commandLine,
    };
    const { Id } = await client.exec.create(name, body);
    if (flags.detach) {
      await client.exec.startDetached(Id, { terminal: flags.tty });
      return 0;
    }
    let stream: Awaited<ReturnType<typeof client.exec.start>>;
    try {
      stream = await client.exec.start(Id, { terminal: flags.tty, ...(consoleSize !== undefined && { consoleSize }) });
    } catch (error) {
      const code = startFailureCode(error);
      throw code === 125 ? error : withExitCode(error as Error, code);
    }
    const stopResizing =
      flags.tty && isTerminal(1) ? followTerminalSize((now) => client.exec.resize(Id, now)) : () => {};
    try {
      const end = await runSession(stream, {
        terminal: flags.tty,
        stdin: flags.interactive,
        stdout: true,
        stderr: true,
        rawInput: flags.tty && inputIsTerminal,
        detachKeys: detachKeysOf(flags),
      });
      if (end === "detached") return 0;
    } finally {
      stopResizing();
    }
    return (await client.exec.inspect(Id)).ExitCode ?? 0;
  },
});
