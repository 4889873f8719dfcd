import { inflateRawSync } from "node:zlib";
import { cliErrors } from "../errors.ts";

// The signatures of PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16.
const localHeader = 0x04034b50;
const centralHeader = 0x02014b50;
const endOfCentral = 0x06054b50;

function malformed() {
  return cliErrors["bad-option"]("zip: not a valid zip file");
}

export function isZip(archive: Uint8Array): boolean {
  return archive.length > 4 && Buffer.from(archive.buffer, archive.byteOffset, 4).readUInt32LE(0) === localHeader;
}

/** The files of a small zip archive, stored or deflated; no more than `limitBytes` in all. */
export function readZip(archive: Uint8Array, limitBytes: number): Map<string, Uint8Array> {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const files = new Map<string, Uint8Array>();
  let end = bytes.length - 22;
  while (end >= 0 && bytes.readUInt32LE(end) !== endOfCentral) end--;
  if (end < 0) throw malformed();
  let left = limitBytes;
  try {
    let at = bytes.readUInt32LE(end + 16);
    for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
      if (bytes.readUInt32LE(at) !== centralHeader) throw malformed();
      const method = bytes.readUInt16LE(at + 10);
      const compressed = bytes.readUInt32LE(at + 20);
      const nameLength = bytes.readUInt16LE(at + 28);
      const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
      const local = bytes.readUInt32LE(at + 42);
      at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
      if (name.endsWith("/")) continue;
      if (bytes.readUInt32LE(local) !== localHeader) throw malformed();
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const data = bytes.subarray(start, start + compressed);
      if (data.length !== compressed || (method !== 0 && method !== 8)) throw malformed();
      const content = method === 0 ? data : inflateRawSync(data, { maxOutputLength: left });
      left -= content.length;
      if (left < 0) throw malformed();
      files.set(name, content);
    }
  } catch {
    throw malformed();
  }
  return files;
}
