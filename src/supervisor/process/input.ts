import { EPOLL, type Poller, SYS, trySyscall, WOULD_BLOCK, writeFrom } from "#linux";

/** A process's stdin from our side. */
export type Input = {
  /** Takes all of `bytes` (copied when needed); false when no more should come until `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Closes once everything taken is written. Idempotent. */
  end(): void;
  /** Closes at once. */
  close(): void;
  readonly isFull: boolean;
};

/**
 * Writes to a FIFO or terminal without waiting. When the process no longer reads its stdin, what is sent is dropped,
 * as it would be in a pipe to a program that has closed its end. `onEnd` is called when the descriptor was closed.
 */
export function openInput(poller: Poller, fd: number, onDrain: () => void, onEnd: () => void): Input {
  const queue: Buffer[] = [];
  let ending = false;
  let closed = false;

  const close = () => {
    if (closed) return;
    closed = true;
    queue.length = 0;
    poller.unwatch(fd);
    trySyscall(SYS.close, fd);
    onEnd();
  };

  const flush = () => {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = writeFrom(fd, first);
      if (written === WOULD_BLOCK) return;
      if (written < 0) queue.length = 0;
      else if (written < first.length) queue[0] = first.subarray(written);
      else queue.shift();
    }
    poller.unwatch(fd);
    if (ending) close();
    onDrain();
  };

  return {
    write: (bytes) => {
      if (closed || ending) return true;
      let rest = bytes;
      if (queue.length === 0) {
        const written = writeFrom(fd, bytes);
        if (written === bytes.length || (written < 0 && written !== WOULD_BLOCK)) return true;
        rest = bytes.subarray(Math.max(written, 0));
        poller.watch(fd, EPOLL.OUT, flush);
      }
      queue.push(Buffer.from(rest));
      return false;
    },
    end: () => {
      ending = true;
      if (queue.length === 0) close();
    },
    close,
    get isFull() {
      return queue.length > 0;
    },
  };
}
