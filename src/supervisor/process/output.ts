import type { LogStream, StagedLog } from "#logs";
import { TAKE_BYTES } from "#logs";
import { EPOLL, type Poller, readInto, spliceIntoPipe, SYS, trySyscall, WOULD_BLOCK } from "#linux";

/** Takes before other descriptors get their turn. */
const TAKES_PER_TURN = 4;
/** Most that is read of a stream after its process has ended; a full pipe is a quarter of it. */
const REST_BYTES_MAX = 2 * 1024 * 1024;
/** How soon to look again at a terminal that nobody has open. */
const TERMINAL_RETRY_MS = 500;

const piece = Buffer.from(new ArrayBuffer(TAKE_BYTES));

/** One stream of a process's output on its way to log and attachers. */
export type Output = {
  readonly stream: LogStream;
  pause(): void;
  resume(): void;
  /** Reads what is there although paused: the process has ended. */
  drain(): void;
  /** Goes on reading for processes that still write, to nowhere, until the last of them has closed it. */
  discard(): void;
  close(): void;
};

/** What an output is read from and goes to. */
export type OutputOptions = {
  readonly poller: Poller;
  readonly stream: LogStream;
  /** Non-blocking; closed by the output. */
  readonly fd: number;
  readonly terminal: boolean;
  /**
   * For a terminal: a pipe its output passes on the way to the log, so that at every instant it is in the terminal, the
   * pipe or the file, and a kill loses nothing. Both ends are this descriptor; closed by the output.
   */
  readonly relay?: number | undefined;
  readonly log: StagedLog | undefined;
  /** True = somebody is too far behind: stop for now. */
  readonly deliver: (stream: LogStream, bytes: Buffer) => boolean;
  readonly hasListeners: () => boolean;
};

/** Starts reading. */
export function openOutput(options: OutputOptions): Output {
  const { poller, stream, fd, log, terminal, relay } = options;
  let mode: "reading" | "paused" | "discarding" | "closed" = "reading";
  let retry: ReturnType<typeof setTimeout> | undefined;

  const close = () => {
    if (mode === "closed") return;
    mode = "closed";
    clearTimeout(retry);
    poller.unwatch(fd);
    trySyscall(SYS.close, fd);
    if (relay !== undefined) trySyscall(SYS.close, relay);
  };

  /** Moves one piece on: bytes, 0 at the end, or -errno. */
  const takeOne = (): number => {
    if (log !== undefined && terminal && relay !== undefined) {
      const moved = spliceIntoPipe(fd, relay, TAKE_BYTES);
      // Also what a killed supervisor had left in the pipe.
      const length = log.takeFromPipe(stream, relay);
      if (length <= 0) return moved;
      if (options.hasListeners() && options.deliver(stream, log.lastPiece())) pause();
      log.commit(stream);
      return length;
    }
    if (log === undefined || terminal) {
      const length = readInto(fd, piece);
      if (length <= 0) return length;
      const bytes = piece.subarray(0, length);
      if (log !== undefined) {
        log.take(stream, bytes);
        log.commit(stream);
      }
      if (options.deliver(stream, bytes)) pause();
      return length;
    }
    const length = log.takeFromPipe(stream, fd);
    if (length <= 0) return length;
    if (options.hasListeners() && options.deliver(stream, log.lastPiece())) pause();
    log.commit(stream);
    return length;
  };

  const onReady = () => {
    if (mode === "discarding") {
      const length = readInto(fd, piece);
      if (length <= 0 && length !== WOULD_BLOCK) close();
      return;
    }
    for (let turn = 0; turn < TAKES_PER_TURN; turn++) {
      const length = takeOne();
      if (length === WOULD_BLOCK) return;
      // Somebody may have fallen too far behind by this piece.
      if (length > 0 && mode === "reading") continue;
      if (length > 0) return;
      if (!terminal) {
        close();
        return;
      }
      // EIO: nobody has the terminal open now; the container may open /dev/console again (pty(7)).
      poller.unwatch(fd);
      retry = setTimeout(watch, TERMINAL_RETRY_MS);
      return;
    }
  };
  const watch = () => {
    if (mode === "reading" || mode === "discarding") poller.watch(fd, EPOLL.IN, onReady);
  };
  const pause = () => {
    if (mode !== "reading") return;
    mode = "paused";
    clearTimeout(retry);
    poller.unwatch(fd);
  };

  watch();
  return {
    stream,
    pause,
    resume: () => {
      if (mode !== "paused") return;
      mode = "reading";
      watch();
    },
    drain: () => {
      if (mode === "closed") return;
      for (let rest = REST_BYTES_MAX; rest > 0;) {
        const length = takeOne();
        if (length <= 0) {
          if (length !== WOULD_BLOCK) close();
          return;
        }
        rest -= length;
      }
    },
    discard: () => {
      if (mode === "closed") return;
      if (terminal) {
        close();
        return;
      }
      mode = "discarding";
      watch();
    },
    close,
  };
}
