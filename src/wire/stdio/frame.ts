/**
 * Docker's multiplexed stream, used when there is no terminal: each frame is a header of 8 bytes, [stream, 0, 0, 0,
 * length as big-endian 32 bits], and the payload. Docker Engine API, "Attach to a container", stream format.
 */
export const STDIO = { STDIN: 0, STDOUT: 1, STDERR: 2, SYSTEM_ERROR: 3 } as const;

/** Which stream a frame belongs to; 3 carries an error of the daemon in place of output. */
export type StdioStream = (typeof STDIO)[keyof typeof STDIO];

/** Bytes of a frame's header. */
export const FRAME_HEADER_BYTES = 8;

/** Writes the header of a frame with a payload of `lengthBytes` into `target` at `offset`. */
export function writeFrameHeader(target: Uint8Array, offset: number, stream: StdioStream, lengthBytes: number): void {
  target[offset] = stream;
  target[offset + 1] = 0;
  target[offset + 2] = 0;
  target[offset + 3] = 0;
  target[offset + 4] = lengthBytes >>> 24;
  target[offset + 5] = lengthBytes >>> 16;
  target[offset + 6] = lengthBytes >>> 8;
  target[offset + 7] = lengthBytes;
}

/** One frame as a buffer of its own. */
export function encodeFrame(stream: StdioStream, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  writeFrameHeader(frame, 0, stream, payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}
