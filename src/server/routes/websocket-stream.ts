import { Duplex } from "node:stream";
import type { WebSocket } from "ws";

/** So much may wait in the socket before the source is asked to pause. */
const HIGH_WATER_BYTES = 1024 * 1024;
const DRAIN_CHECK_MS = 10;
/** A peer must answer a close this soon. */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * A WebSocket as a stream of bytes: each message is a chunk. Its end is the peer's close, and ending it closes the
 * peer; there is no half-close in the protocol.
 */
export function websocketStream(socket: WebSocket, connection: Duplex, binary: boolean): Duplex {
  const stream = new Duplex({
    allowHalfOpen: false,
    read() {
      connection.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      if (socket.readyState !== socket.OPEN) {
        done();
        return;
      }
      socket.send(binary ? chunk : chunk.toString("utf8"), { binary });
      const wait = () => {
        if (socket.readyState !== socket.OPEN || socket.bufferedAmount < HIGH_WATER_BYTES) done();
        else setTimeout(wait, DRAIN_CHECK_MS);
      };
      wait();
    },
    final(done) {
      socket.close();
      setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS).unref();
      done();
    },
    destroy(error, done) {
      socket.terminate();
      done(error);
    },
  });
  socket.on("message", (data: Buffer | ArrayBuffer | Buffer[]) => {
    // A process that does not read its input holds its client up, and fills no memory.
    if (!stream.push(Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer))) connection.pause();
  });
  socket.on("close", () => {
    stream.push(null);
    stream.destroy();
  });
  socket.on("error", () => stream.destroy());
  return stream;
}
