import { TAR_BLOCK, TarError, type TarEntryType, type TarHeader } from "./header.ts";
import { formatPaxRecord } from "./pax.ts";

const flags: Readonly<Record<TarEntryType, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/** Largest number of an 11-digit octal field. */
const OCTAL_11 = 0o77777777777;
const OCTAL_7 = 0o7777777;

/** The two zero blocks that end an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * TAR_BLOCK);

function octal(block: Buffer, value: number, start: number, length: number): void {
  block.write(value.toString(8).padStart(length - 1, "0"), start, length - 1, "latin1");
}

function ustarBlock(header: TarHeader, path: string, linkPath: string, flag: string): Buffer {
  const block = Buffer.alloc(TAR_BLOCK);
  block.write(path, 0, 100, "latin1");
  octal(block, header.mode & 0o7777, 100, 8);
  octal(block, Math.min(header.uid, OCTAL_7), 108, 8);
  octal(block, Math.min(header.gid, OCTAL_7), 116, 8);
  octal(block, header.sizeBytes > OCTAL_11 ? 0 : header.sizeBytes, 124, 12);
  octal(block, Math.max(0, Math.min(header.mtimeSeconds, OCTAL_11)), 136, 12);
  block.write("        ", 148, 8, "latin1");
  block.write(flag, 156, 1, "latin1");
  block.write(linkPath, 157, 100, "latin1");
  block.write("ustar\x0000", 257, 8, "latin1");
  block.write(header.userName, 265, 31, "latin1");
  block.write(header.groupName, 297, 31, "latin1");
  octal(block, Math.min(header.deviceMajor, OCTAL_7), 329, 8);
  octal(block, Math.min(header.deviceMinor, OCTAL_7), 337, 8);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return block;
}

// Plain ASCII goes into the header, anything else needs PAX to be read as UTF-8 by everyone.
function isPlain(text: string): boolean {
  return text.length <= 100 && /^[\x01-\x7f]*$/.test(text);
}

/**
 * The bytes before a member's payload: a ustar header, preceded by a PAX header where ustar is too small (long or
 * non-ASCII names, large numbers, extended attributes). Deterministic: equal members give equal bytes.
 * Directories must end in "/". The caller writes the payload and its padding.
 */
export function encodeTarHeader(header: TarHeader): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Uint8Array) =>
    records.push(formatPaxRecord(key, typeof value === "string" ? Buffer.from(value, "latin1") : value));
  if (header.deviceMajor > OCTAL_7 || header.deviceMinor > OCTAL_7)
    throw new TarError("device number too large for tar");
  if (!isPlain(header.path)) add("path", header.path);
  if (!isPlain(header.linkPath)) add("linkpath", header.linkPath);
  if (header.sizeBytes > OCTAL_11) add("size", String(header.sizeBytes));
  if (header.uid > OCTAL_7) add("uid", String(header.uid));
  if (header.gid > OCTAL_7) add("gid", String(header.gid));
  if (header.mtimeSeconds < 0 || header.mtimeSeconds > OCTAL_11) add("mtime", String(header.mtimeSeconds));
  for (const name of [...header.attributes.keys()].sort()) {
    add(`SCHILY.xattr.${name}`, header.attributes.get(name) as Buffer);
  }
  const block = ustarBlock(header, header.path.slice(0, 100), header.linkPath.slice(0, 100), flags[header.type]);
  if (records.length === 0) return block;
  const data = Buffer.concat(records);
  const name = `PaxHeaders.0/${header.path.replace(/\/$/, "").split("/").pop() ?? ""}`
    .slice(0, 100)
    .replace(/[^\x20-\x7e]/g, "_");
  const paxBlock = ustarBlock(
    {
      ...header,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      userName: "",
      groupName: "",
      deviceMajor: 0,
      deviceMinor: 0,
      sizeBytes: data.length,
    },
    name,
    "",
    "x",
  );
  return Buffer.concat([paxBlock, data, Buffer.alloc((TAR_BLOCK - (data.length % TAR_BLOCK)) % TAR_BLOCK), block]);
}

/** A member with everything but its path and type at its plainest; for archives made by us. */
export function plainTarHeader(header: Partial<TarHeader> & Pick<TarHeader, "path" | "type">): TarHeader {
  return {
    linkPath: "",
    mode: header.type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeSeconds: 0,
    mtimeNanoseconds: 0,
    deviceMajor: 0,
    deviceMinor: 0,
    userName: "",
    groupName: "",
    attributes: new Map(),
    ...header,
  };
}
