import type { Client, HijackedStream } from "#client";
import type { WaitResponse } from "#formats";
import { defineCommand } from "../command.ts";
import { createContainer } from "../container-options/create-container.ts";
import { containerFlags } from "../container-options/flags.ts";
import { chooseStreams, type ContainerFlagValues, type Streams, toCreateBody } from "../container-options/request.ts";
import { cliErrors } from "../errors.ts";
import { startFailureCode } from "../exit-code.ts";
import { printFailure } from "../failure.ts";
import { flag } from "../flags/flag.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { followTerminalSize } from "../streams/resize.ts";
import { detachKeysOf } from "../streams/detach-keys.ts";
import { runSession } from "../streams/session.ts";
import { proxySignals } from "../streams/signals.ts";
import { isTerminal } from "../terminal/terminal.ts";

type RunFlags = ContainerFlagValues & { readonly "detach-keys": string; readonly "sig-proxy": boolean };

/** Starts a created container and stays with it until it ends or the user detaches. */
async function runAttached(client: Client, id: string, flags: RunFlags, streams: Streams): Promise<number> {
  const isJoined = streams.stdin || streams.stdout || streams.stderr;
  const condition = flags.rm ? "removed" : "next-exit";
  const rawInput = flags.tty && streams.stdin && isTerminal(0);
  // Both are registered before the start, so that no output and no quick exit is missed.
  const [stream, { exited }] = await Promise.all([
    isJoined ? client.containers.attach(id, { ...streams, detachKeys: detachKeysOf(flags) }) : undefined,
    client.containers.wait(id, { condition }),
  ]);
  const stopSignals = flags["sig-proxy"] ? proxySignals((signal) => client.containers.kill(id, signal)) : () => {};
  const session = startSession(stream, flags, streams, rawInput);
  let stopResizing = () => {};
  try {
    try {
      await client.containers.start(id);
    } catch (error) {
      stream?.destroy();
      await session.catch(() => {});
      throw error;
    }
    if (flags.tty && isTerminal(1)) stopResizing = followTerminalSize((size) => client.containers.resize(id, size));
    if ((await session) === "detached") return 0;
    return exitStatus(await exited);
  } finally {
    stopResizing();
    stopSignals();
  }
}

function startSession(stream: HijackedStream | undefined, flags: RunFlags, streams: Streams, rawInput: boolean) {
  if (stream === undefined) return Promise.resolve("ended" as const);
  const session = runSession(stream, {
    terminal: flags.tty,
    ...streams,
    rawInput,
    detachKeys: detachKeysOf(flags),
  });
  // Its failure is reported when it is awaited; a failing start comes first.
  session.catch(() => {});
  return session;
}

function exitStatus({ StatusCode, Error: failure }: WaitResponse): number {
  if (failure?.Message === undefined || failure.Message === "") return StatusCode;
  writeText(2, `berth: ${printable(failure.Message)}\n`);
  return 125;
}

export const command = defineCommand({
  summary: "Create and run a new container from an image",
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["container run", "run"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  completes: (index) => (index === 0 ? "image" : undefined),
  examples: [
    ["A shell that leaves nothing behind", "berth run -it --rm debian:bookworm bash"],
    [
      "A server in the background, reachable on port 8080 of this machine",
      "berth run -d --name web -p 127.0.0.1:8080:80 shop:1.0",
    ],
    ["At most half a CPU and 256 MiB of memory", "berth run --cpus 0.5 --memory 256m --rm shop:1.0 ./report"],
  ],
  flags: {
    ...containerFlags,
    detach: flag.boolean("Run container in background and print container ID", { short: "d" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    "sig-proxy": flag.boolean("Proxy received signals to the process", { default: true }),
  },
  async run({ client, path }, flags, [image = "", ...commandLine]) {
    const streams = chooseStreams(flags, flags.detach);
    if (flags.tty && streams.stdin && !isTerminal(0)) throw cliErrors["not-a-terminal"]();
    let isCreated = false;
    try {
      const id = await createContainer(client, flags, toCreateBody(flags, image, commandLine, streams));
      isCreated = true;
      if (!flags.detach) return await runAttached(client, id, flags, streams);
      await client.containers.start(id);
      writeText(1, `${id}\n`);
      return 0;
    } catch (error) {
      printFailure(error, "berth: ");
      writeText(2, `\nRun 'berth ${path} --help' for more information\n`);
      return isCreated ? startFailureCode(error) : 125;
    }
  },
});
