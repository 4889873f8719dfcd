import { TarError } from "./header.ts";

/** Parses PAX records, `<length> <key>=<value>\n` (POSIX pax, "pax Header Block"). Values are raw bytes. */
export function parsePaxRecords(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  // PAX's first form of sparse files repeats two keys for each fragment; kept together as its second form has them.
  const fragments: Buffer[] = [];
  let offset = 0;
  while (offset < data.length) {
    const space = data.indexOf(0x20, offset);
    // A length of more than nine digits cannot be right.
    if (space < 0 || space - offset > 9 || space === offset) throw new TarError("malformed PAX record");
    const digits = data.toString("latin1", offset, space);
    if (!/^\d+$/.test(digits)) throw new TarError("malformed PAX record length");
    const end = offset + Number(digits);
    if (end > data.length || end <= space + 1 || data[end - 1] !== 0x0a) throw new TarError("malformed PAX record");
    const equals = data.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= end || equals === space + 1) throw new TarError("PAX record without a key");
    const key = data.toString("latin1", space + 1, equals);
    const value = data.subarray(equals + 1, end - 1);
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") fragments.push(value);
    else records.set(key, value);
    offset = end;
  }
  if (fragments.length > 0) {
    records.set("GNU.sparse.map", Buffer.from(fragments.map((value) => value.toString("latin1")).join(",")));
  }
  return records;
}

/** One PAX record; its length counts its own digits. */
export function formatPaxRecord(key: string, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, "latin1"), value, Buffer.from("\n")]);
}
