import type { Duplex } from "node:stream";
import { createStdioDemuxer } from "./demuxer.ts";
import { encodeFrame, STDIO } from "./frame.ts";

/**
 * A process's stream with its output said in the other way: a terminal's raw bytes as frames of stdout ("frames"), or the
 * stdout of frames as raw bytes ("raw", stderr is dropped). Input passes as it is, each direction at its reader's pace.
 */
export function reframe(stream: Duplex, to: "frames" | "raw"): Duplex {
  // Loaded when it is first needed: the command loads this folder too, and node:stream costs it milliseconds at start.
  const { Duplex: NodeDuplex } = process.getBuiltinModule("node:stream");
  const other = new NodeDuplex({
    read: () => void stream.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void stream.write(chunk, done),
    final: (done) => void stream.end(done),
    destroy: (error, done) => {
      stream.destroy();
      done(error);
    },
  });
  const pass = (bytes: Uint8Array) => {
    if (!other.push(bytes)) stream.pause();
  };
  const demuxer = createStdioDemuxer((source, piece) => {
    if (source === STDIO.STDOUT) pass(piece);
  });
  stream.on("data", (chunk: Uint8Array) =>
    to === "frames" ? pass(encodeFrame(STDIO.STDOUT, chunk)) : demuxer.push(chunk),
  );
  let ended = false;
  const end = () => {
    if (!ended) other.push(null);
    ended = true;
  };
  stream.once("end", end);
  // One that breaks instead of ending must end its readers as well.
  stream.once("error", (error) => other.destroy(error));
  stream.once("close", end);
  return other;
}
