/** A message with its length before it (RFC 1035, 4.2.2). */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/**
 * Puts messages together from the pieces a stream comes in. The reader returns false for a message that is too short
 * to be one: the stream is then of no use any more.
 */
export function createFrameReader(onMessage: (message: Buffer) => void): (piece: Buffer) => boolean {
  let held: Buffer = Buffer.alloc(0);
  return (piece) => {
    held = held.length === 0 ? piece : Buffer.concat([held, piece]);
    while (held.length >= 2) {
      const length = held.readUInt16BE(0);
      if (length < 12) return false;
      if (held.length < 2 + length) break;
      const message = Buffer.from(held.subarray(2, 2 + length));
      held = held.subarray(2 + length);
      onMessage(message);
    }
    return true;
  };
}
