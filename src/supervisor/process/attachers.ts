import type { Poller } from "#linux";
import { FRAME_HEADER_BYTES, STDIO, writeFrameHeader } from "#wire";
import type { AttachRequest } from "../protocol/client.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Input } from "./input.ts";

/** An attacher that has taken less than this of its output holds the process's output back. */
const QUEUE_BYTES_MAX = 1024 * 1024;
const QUEUE_BYTES_RESUME = 256 * 1024;

/** The clients attached to one process: each gets all output from its attach on, and all write to one stdin. */
export type Attachers = {
  /** Takes over an accepted connection whose greeting was answered. `early` are bytes that came with the greeting. */
  add(fd: number, request: AttachRequest, early: Uint8Array): void;
  /** Hands a piece of output to everyone; true when somebody is too far behind and reading should stop. */
  deliver(stream: "stdout" | "stderr", bytes: Uint8Array): boolean;
  readonly isEmpty: boolean;
  readonly isBehind: boolean;
  /** The process runs: stdin may flow, output is framed unless there is a terminal. */
  bind(binding: { readonly terminal: boolean; readonly input: Input | undefined; readonly closesStdin: boolean }): void;
  /** stdin takes more again. */
  inputDrained(): void;
  /** Ends every stream after its last byte. */
  end(): void;
};

/** Makes the set. `onCaughtUp` is called when nobody is behind any more. */
export function createAttachers(poller: Poller, onCaughtUp: () => void): Attachers {
  type Attacher = { readonly connection: Connection; readonly request: AttachRequest };
  const attached = new Set<Attacher>();
  const earlyBytes = new Map<Attacher, Buffer>();
  let frame = Buffer.from(new ArrayBuffer(0));
  let binding: { terminal: boolean; input: Input | undefined; closesStdin: boolean } | undefined;
  let ended = false;
  /** Somebody whose stdin it was to be left before the process ran. */
  let stdinLeft = false;

  const isBehind = () => {
    for (const { connection } of attached) if (connection.queuedBytes > QUEUE_BYTES_MAX) return true;
    return false;
  };

  /** However a client leaves (its end, a broken connection, a hang-up), nobody else will end the process's stdin. */
  const stdinOver = () => {
    if (binding === undefined) stdinLeft = true;
    else if (binding.closesStdin) binding.input?.end();
  };

  const toStdin = (connection: Connection, bytes: Uint8Array) => {
    if (binding?.input === undefined) return;
    if (!binding.input.write(bytes)) connection.pauseReading();
  };

  return {
    add: (fd, request, early) => {
      const connection = openConnection(
        poller,
        fd,
        {
          onData: (bytes) => {
            if (request.stdin) toStdin(connection, bytes);
          },
          onEnd: () => {
            if (request.stdin) stdinOver();
            if (ended) connection.endWriting();
          },
          onDrain: (queuedBytes) => {
            if (queuedBytes <= QUEUE_BYTES_RESUME && !isBehind()) onCaughtUp();
          },
          // Before the process is started nobody would ever come back to it.
          onHangUp: () => {
            if (binding === undefined) connection.close();
          },
          onClose: () => {
            attached.delete(attacher);
            earlyBytes.delete(attacher);
            if (request.stdin) stdinOver();
            if (!isBehind()) onCaughtUp();
          },
        },
        true,
      );
      const attacher = { connection, request };
      attached.add(attacher);
      if (binding !== undefined) {
        if (request.stdin && early.length > 0) toStdin(connection, early);
        if (!binding.input?.isFull || !request.stdin) connection.resumeReading();
      } else if (early.length > 0) earlyBytes.set(attacher, Buffer.from(early));
    },
    deliver: (stream, bytes) => {
      if (binding === undefined || attached.size === 0) return false;
      let shown = bytes;
      if (!binding.terminal) {
        const total = FRAME_HEADER_BYTES + bytes.length;
        if (frame.length < total) frame = Buffer.from(new ArrayBuffer(Math.max(total, 64 * 1024)));
        writeFrameHeader(frame, 0, stream === "stdout" ? STDIO.STDOUT : STDIO.STDERR, bytes.length);
        frame.set(bytes, FRAME_HEADER_BYTES);
        shown = frame.subarray(0, total);
      }
      let behind = false;
      for (const { connection, request } of attached) {
        if (!request[stream]) continue;
        connection.write(shown);
        behind ||= connection.queuedBytes > QUEUE_BYTES_MAX;
      }
      return behind;
    },
    get isEmpty() {
      return attached.size === 0;
    },
    get isBehind() {
      return isBehind();
    },
    bind: (to) => {
      binding = to;
      for (const attacher of attached) {
        const early = earlyBytes.get(attacher);
        earlyBytes.delete(attacher);
        if (early !== undefined && attacher.request.stdin) toStdin(attacher.connection, early);
        if (!to.input?.isFull || !attacher.request.stdin) attacher.connection.resumeReading();
      }
      if (stdinLeft) stdinOver();
    },
    inputDrained: () => {
      for (const { connection } of attached) connection.resumeReading();
    },
    end: () => {
      ended = true;
      for (const { connection } of attached) {
        // A peer that never closes must not keep us: what it still sends goes nowhere.
        connection.resumeReading();
        connection.endWriting();
      }
    },
  };
}
