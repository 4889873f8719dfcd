import { GrpcError } from "./status.ts";

/** A frame's head: one byte that tells whether it is compressed and four that tell its length. */
const headBytes = 5;

/** A message as it travels: head and payload in one buffer. */
export function encodeGrpcFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  frame[0] = 0;
  frame.writeUInt32BE(payload.length, 1);
  frame.set(payload, headBytes);
  return frame;
}

/**
 * Takes messages out of a stream of bytes, one after the other, at the reader's pace. A frame longer than `limitBytes`, a
 * compressed one and one that is cut off are refused; a length that is only announced costs no memory.
 */
export async function* readGrpcFrames(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    held.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    heldBytes += chunk.byteLength;
    while (heldBytes >= headBytes) {
      if ((held[0]?.length ?? 0) < headBytes) held = [Buffer.concat(held)];
      const head = held[0] ?? Buffer.alloc(0);
      if (head[0] !== 0) throw new GrpcError("UNIMPLEMENTED", "compressed messages are not supported");
      const length = head.readUInt32BE(1);
      if (length > limitBytes) {
        throw new GrpcError("RESOURCE_EXHAUSTED", `received message larger than max (${length} vs. ${limitBytes})`);
      }
      if (heldBytes < headBytes + length) break;
      const all = held.length === 1 ? head : Buffer.concat(held);
      yield all.subarray(headBytes, headBytes + length);
      const rest = all.subarray(headBytes + length);
      held = rest.length === 0 ? [] : [rest];
      heldBytes = rest.length;
    }
  }
  if (heldBytes > 0) throw new GrpcError("INTERNAL", "the stream ended within a message");
}
