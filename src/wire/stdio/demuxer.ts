import { FRAME_HEADER_BYTES, type StdioStream } from "./frame.ts";

/** Takes a multiplexed stream apart, however it is cut into chunks. */
export type StdioDemuxer = {
  /** Feeds the next chunk. Throws a RangeError on a stream type that does not exist; the stream is then unusable. */
  push(chunk: Uint8Array): void;
  /** True between frames: a stream that ends elsewhere was cut off. */
  isAtBoundary(): boolean;
};

/**
 * Makes a demuxer. `onPayload` gets each piece of payload as it arrives, a view into the pushed chunk: a frame may
 * come in many pieces, nothing is buffered, and so no length a hostile peer announces costs memory.
 */
export function createStdioDemuxer(onPayload: (stream: StdioStream, piece: Uint8Array) => void): StdioDemuxer {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  let headerFilled = 0;
  let stream: StdioStream = 0;
  let remaining = 0;
  return {
    push: (chunk) => {
      let at = 0;
      while (at < chunk.length) {
        if (remaining > 0) {
          const piece = chunk.subarray(at, at + remaining);
          at += piece.length;
          remaining -= piece.length;
          onPayload(stream, piece);
          continue;
        }
        const taken = Math.min(FRAME_HEADER_BYTES - headerFilled, chunk.length - at);
        header.set(chunk.subarray(at, at + taken), headerFilled);
        headerFilled += taken;
        at += taken;
        if (headerFilled < FRAME_HEADER_BYTES) return;
        headerFilled = 0;
        const [type = 0, , , , a = 0, b = 0, c = 0, d = 0] = header;
        if (type > 3) throw new RangeError(`multiplexed stream: no stream has type ${type}`);
        stream = type as StdioStream;
        remaining = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
      }
    },
    isAtBoundary: () => remaining === 0 && headerFilled === 0,
  };
}
