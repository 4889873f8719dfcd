import { chownSync, closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  growPipe,
  makeFifo,
  openFifoBlockingReader,
  openFifoForOutput,
  openFifoReader,
  openFifoRelay,
  openFifoWriter,
  type Poller,
  setWindowSize,
} from "#linux";
import type { ProcessStreams } from "../protocol/client.ts";
import { type ConsoleSocket, openConsoleSocket } from "./console-socket.ts";
import type { Keeper } from "./keeper.ts";

const PIPE_BYTES = 256 * 1024;

/** Our ends of a process's standard streams, all non-blocking. */
export type StreamEnds = {
  readonly stdout?: number | undefined;
  readonly stderr?: number | undefined;
  readonly stdin?: number | undefined;
  /** Terminal master: both directions. */
  readonly terminal?: number | undefined;
  /** For a terminal: the pipe its output passes on the way to the log. */
  readonly relay?: number | undefined;
};

/** The streams of a process about to be started. */
export type PreparedStreams = {
  /** Descriptors for the runtime's 0-2, which the container inherits. */
  readonly inherited: readonly [number, number, number];
  readonly consoleSocket: ConsoleSocket | undefined;
  /** Closes the container's ends here; our ends, once the runtime has done its work. */
  started(): StreamEnds;
  /** Closes everything: the start failed. */
  abandon(): void;
};

/** Makes FIFOs or a console socket and puts our ends into the keeper before anything can write. */
export function prepareStreams(options: {
  readonly keeperKey: string;
  readonly streams: ProcessStreams;
  readonly directory: string;
  readonly stateRoot: string;
  readonly keeper: Keeper;
  readonly poller: Poller;
}): PreparedStreams {
  const { keeperKey, streams, directory, keeper } = options;
  const theirs: number[] = [];
  const ours: { stdout?: number; stderr?: number; stdin?: number; relay?: number } = {};
  let consoleSocket: ConsoleSocket | undefined;
  const closeTheirs = () => {
    for (const fd of theirs.splice(0)) closeSync(fd);
  };
  const abandon = () => {
    closeTheirs();
    for (const fd of Object.values(ours)) closeSync(fd);
    consoleSocket?.close();
    keeper.drop(keeperKey);
  };
  const none = (flags: "r" | "r+") => {
    const fd = openSync("/dev/null", flags);
    theirs.push(fd);
    return fd;
  };
  const fifo = (name: string) => {
    const path = join(directory, name);
    rmSync(path, { force: true });
    makeFifo(path, 0o600);
    if (streams.owner !== undefined) chownSync(path, streams.owner.uid, streams.owner.gid);
    return path;
  };
  const output = (name: "stdout" | "stderr") => {
    const path = fifo(name);
    const reader = openFifoReader(path);
    ours[name] = reader;
    growPipe(reader, PIPE_BYTES);
    keeper.put(keeperKey, name, reader);
    const writer = openFifoForOutput(path);
    theirs.push(writer);
    return writer;
  };
  const input = () => {
    const path = fifo("stdin");
    // A writer needs a reader to be there, and a blocking reader a writer.
    const first = openFifoReader(path);
    try {
      const writer = openFifoWriter(path);
      ours.stdin = writer;
      growPipe(writer, PIPE_BYTES);
      keeper.put(keeperKey, "stdin", writer);
      const reader = openFifoBlockingReader(path);
      theirs.push(reader);
      return reader;
    } finally {
      closeSync(first);
    }
  };
  try {
    if (streams.terminal) {
      const size = streams.consoleSize;
      const relay = openFifoRelay(fifo("relay"));
      ours.relay = relay;
      growPipe(relay, PIPE_BYTES);
      keeper.put(keeperKey, "relay", relay);
      consoleSocket = openConsoleSocket(options.stateRoot, options.poller, (master) => {
        // The runtime sets the size of the process document before the program runs; this is for documents without.
        keeper.put(keeperKey, "terminal", master);
        if (size !== undefined && size.height > 0 && size.width > 0) setWindowSize(master, size);
      });
      const fd = none("r+");
      return {
        inherited: [fd, fd, fd],
        consoleSocket,
        started: () => {
          closeTheirs();
          const terminal = consoleSocket?.take();
          consoleSocket?.close();
          if (terminal === undefined) throw new Error("the runtime sent no terminal");
          return { terminal, relay };
        },
        abandon,
      };
    }
    const stdin = streams.openStdin ? input() : none("r");
    return {
      inherited: [stdin, output("stdout"), output("stderr")],
      consoleSocket,
      started: () => {
        closeTheirs();
        return ours;
      },
      abandon,
    };
  } catch (error) {
    abandon();
    throw error;
  }
}

/** Our ends as an earlier supervisor had them; what was not kept is opened again by path where that is possible. */
export function reclaimStreams(
  keeperKey: string,
  streams: ProcessStreams,
  directory: string,
  keeper: Keeper,
): StreamEnds {
  const again = (name: "stdout" | "stderr"): number | undefined => {
    try {
      return keeper.claim(keeperKey, name) ?? openFifoReader(join(directory, name));
    } catch {
      // The FIFO is gone: this process has no such stream any more.
      return undefined;
    }
  };
  if (streams.terminal) {
    return { terminal: keeper.claim(keeperKey, "terminal"), relay: keeper.claim(keeperKey, "relay") };
  }
  return { stdout: again("stdout"), stderr: again("stderr"), stdin: keeper.claim(keeperKey, "stdin") };
}
