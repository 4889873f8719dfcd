/** Netlink wire format (netlink(7), include/uapi/linux/netlink.h): everything in host byte order, 4-byte aligned. */

/** NLM_F_* flags of a request. */
export const FLAG = { request: 1, ack: 4, dump: 0x300, replace: 0x100, exclusive: 0x200, create: 0x400 } as const;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One attribute: type and payload, padded. */
export function attribute(type: number, payload: Uint8Array): Buffer {
  const buffer = Buffer.alloc((4 + payload.length + 3) & ~3);
  buffer.writeUInt16LE(4 + payload.length, 0);
  buffer.writeUInt16LE(type, 2);
  buffer.set(payload, 4);
  return buffer;
}

/** An attribute that holds attributes. */
export function nested(type: number, ...attributes: readonly Uint8Array[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(attributes));
}

/** A 32-bit number in host order. */
export function numberAttribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value >>> 0);
  return attribute(type, payload);
}

/** A text with its terminating NUL. */
export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

/** The attributes of a message by type; when a type repeats, the last wins. Stops at the first malformed one. */
export function parseAttributes(data: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const { type, payload } of eachAttribute(data)) found.set(type, payload);
  return found;
}

/** The attributes of a message in order; for lists, where types repeat. */
export function* eachAttribute(data: Buffer): Generator<{ readonly type: number; readonly payload: Buffer }> {
  let offset = 0;
  while (offset + 4 <= data.length) {
    const length = data.readUInt16LE(offset);
    if (length < 4 || offset + length > data.length) return;
    yield { type: data.readUInt16LE(offset + 2) & NLA_TYPE_MASK, payload: data.subarray(offset + 4, offset + length) };
    offset += (length + 3) & ~3;
  }
}

/** The text of a NUL-terminated attribute. */
export function attributeText(payload: Buffer | undefined): string {
  return payload === undefined ? "" : payload.toString("utf8").replace(/\0+$/, "");
}

/** A whole message: nlmsghdr and body. */
export function message(type: number, flags: number, sequence: number, body: Uint8Array): Buffer {
  const buffer = Buffer.alloc((16 + body.length + 3) & ~3);
  buffer.writeUInt32LE(16 + body.length, 0);
  buffer.writeUInt16LE(type, 4);
  buffer.writeUInt16LE(flags, 6);
  buffer.writeUInt32LE(sequence, 8);
  buffer.set(body, 16);
  return buffer;
}
