import { EPOLL, type Poller, readInto, shutdownWrite, SYS, trySyscall, WOULD_BLOCK, writeFrom } from "#linux";

/** Most bytes read from one connection before others get their turn. */
const READ_BYTES = 128 * 1024;

// Shared by all connections: what is read is handled before anything else runs.
const incoming = Buffer.from(new ArrayBuffer(READ_BYTES));

/** A stream socket in the poller, with every queued byte in sight. */
export type Connection = {
  /** Sends now what the kernel takes and keeps the rest; `bytes` may be reused at once. */
  write(bytes: Uint8Array): void;
  /** Bytes the peer has not taken yet. */
  readonly queuedBytes: number;
  pauseReading(): void;
  resumeReading(): void;
  /** Ends our direction once the queue is sent. */
  endWriting(): void;
  close(): void;
  /** Gives the socket away, unwatched; the connection is over without `onClose`. Nothing may be queued. */
  release(): number;
};

/** What happens on a connection. */
export type ConnectionEvents = {
  /** A view that is valid for the call only. */
  onData(bytes: Buffer): void;
  /** The peer has ended its direction. */
  onEnd(): void;
  /** The queue went down to this many bytes. */
  onDrain?(queuedBytes: number): void;
  /** The peer has gone altogether while reading is paused; what it sent last can still be read. */
  onHangUp?(): void;
  /** Nothing follows: both directions are over, or it broke. */
  onClose(): void;
};

/** Watches an accepted, non-blocking socket. */
export function openConnection(poller: Poller, fd: number, events: ConnectionEvents, startPaused = false): Connection {
  const queue: Buffer[] = [];
  let queuedBytes = 0;
  let reading = !startPaused;
  let readEnded = false;
  let writeEnd: "open" | "wanted" | "done" = "open";
  let closed = false;

  const close = () => {
    if (closed) return;
    closed = true;
    poller.unwatch(fd);
    trySyscall(SYS.close, fd);
    queue.length = 0;
    queuedBytes = 0;
    events.onClose();
  };

  const update = () => {
    if (closed) return;
    const mask = (reading && !readEnded ? EPOLL.IN : 0) | (queuedBytes > 0 ? EPOLL.OUT : 0);
    poller.watch(fd, mask, handle);
  };

  const finishWriting = () => {
    if (writeEnd !== "wanted" || queuedBytes > 0) return;
    writeEnd = "done";
    shutdownWrite(fd);
  };

  const flush = () => {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const written = writeFrom(fd, first);
      if (written === WOULD_BLOCK) break;
      if (written < 0) {
        close();
        return;
      }
      queuedBytes -= written;
      if (written < first.length) queue[0] = first.subarray(written);
      else queue.shift();
    }
    finishWriting();
    events.onDrain?.(queuedBytes);
  };

  const handle = (mask: number) => {
    if ((mask & EPOLL.OUT) !== 0) flush();
    if (closed) return;
    const gone = (mask & (EPOLL.HUP | EPOLL.ERR)) !== 0;
    if (reading && !readEnded && (mask & (EPOLL.IN | EPOLL.HUP | EPOLL.ERR)) !== 0) {
      const length = readInto(fd, incoming);
      if (length > 0) events.onData(incoming.subarray(0, length));
      else if (length === 0) {
        readEnded = true;
        events.onEnd();
      } else if (length !== WOULD_BLOCK) {
        close();
        return;
      }
    }
    if (closed) return;
    if (gone && readEnded) close();
    // A hang-up cannot be masked: look away until there is someone to take what is left to read.
    else if (gone && !reading) {
      poller.unwatch(fd);
      events.onHangUp?.();
    } else update();
  };

  update();
  return {
    write: (bytes) => {
      if (closed || writeEnd === "done" || bytes.length === 0) return;
      let rest = bytes;
      if (queuedBytes === 0) {
        const written = writeFrom(fd, bytes);
        if (written === bytes.length) return;
        if (written < 0 && written !== WOULD_BLOCK) {
          // EPIPE: the peer reads no more. What it sent may still be waiting, so only the queue is given up.
          writeEnd = "done";
          return;
        }
        rest = bytes.subarray(Math.max(written, 0));
      }
      queue.push(Buffer.from(rest));
      queuedBytes += rest.length;
      update();
    },
    get queuedBytes() {
      return queuedBytes;
    },
    pauseReading: () => {
      if (!reading) return;
      reading = false;
      update();
    },
    resumeReading: () => {
      if (reading) return;
      reading = true;
      update();
    },
    endWriting: () => {
      if (closed || writeEnd !== "open") return;
      writeEnd = "wanted";
      finishWriting();
      // Both directions over: no more will come, not even a hang-up that was already reported.
      if (readEnded && queuedBytes === 0) close();
    },
    close,
    release: () => {
      closed = true;
      poller.unwatch(fd);
      return fd;
    },
  };
}
