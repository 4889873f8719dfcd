import {
  defaultTarLimits,
  TAR_BLOCK,
  TarError,
  type TarEntryType,
  type TarHeader,
  type TarLimits,
  tarPaddingOf,
} from "./header.ts";
import { parsePaxRecords } from "./pax.ts";
import {
  checkSparse,
  createFragmentList,
  createSparseMapReader,
  parseSparseList,
  type SparseMap,
  type SparseMapReader,
} from "./sparse.ts";

/** Receives an archive while it is parsed; all calls are synchronous and in the archive's order. */
export type TarVisitor = {
  /** A member begins. */
  entry(header: TarHeader): void;
  /** A piece of the payload of the last member; valid only during the call. */
  data(bytes: Uint8Array): void;
  /** So many bytes of the last member are a hole. Whoever does not have this refuses sparse files. */
  hole?(bytes: number): void;
  /** The last member is complete. */
  end(): void;
  /** Every byte that is not payload (headers, padding, trailer), for those who must give the archive back exactly. */
  raw?(bytes: Uint8Array): void;
};

const types: Readonly<Record<string, TarEntryType>> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

const noAttributes: ReadonlyMap<string, Buffer> = new Map();
const xattrPrefix = "SCHILY.xattr.";

function text(block: Buffer, start: number, length: number): string {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString("latin1", start, end);
}

/** An octal number, or GNU's base-256 when the top bit is set (tar(5), "Numeric Extensions"). */
function number(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) {
    // Two's complement over all bits but the marker.
    const negative = (first & 0x40) !== 0;
    let value = negative ? (first & 0x7f) - 0x80 : first & 0x7f;
    for (let index = 1; index < length; index++) value = value * 256 + (block[start + index] ?? 0);
    if (!Number.isSafeInteger(value)) throw new TarError("number out of range in tar header");
    return value;
  }
  let value = 0;
  let index = start;
  const end = start + length;
  while (index < end && (block[index] === 0x20 || block[index] === 0)) index++;
  for (; index < end; index++) {
    const byte = block[index] ?? 0;
    if (byte === 0x20 || byte === 0) break;
    if (byte < 0x30 || byte > 0x37) throw new TarError("malformed number in tar header");
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function isZero(block: Buffer): boolean {
  // Only a zero block has a zero checksum field and name; check the rest only then.
  if (block[0] !== 0) return false;
  for (let index = 0; index < TAR_BLOCK; index++) if (block[index] !== 0) return false;
  return true;
}

function checksumFits(block: Buffer): boolean {
  let unsigned = 256;
  let signed = 256;
  for (let index = 0; index < TAR_BLOCK; index++) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] as number;
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = number(block, 148, 8);
  return stated === unsigned || stated === signed;
}

function decimal(value: Buffer, key: string): number {
  const digits = value.toString("latin1");
  if (!/^-?\d{1,15}$/.test(digits)) throw new TarError(`malformed PAX ${key}`);
  return Number(digits);
}

function paxTime(value: Buffer): { seconds: number; nanoseconds: number } {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value.toString("latin1"));
  if (match === null) throw new TarError("malformed PAX time");
  const whole = Number(match[2]);
  const fraction = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] !== "-") return { seconds: whole, nanoseconds: fraction };
  return fraction === 0
    ? { seconds: -whole, nanoseconds: 0 }
    : { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

/** A path in a header ends at its first NUL; one inside a PAX value is an attack, not a name. */
function pathText(value: Buffer): string {
  if (value.includes(0)) throw new TarError("NUL byte in a PAX path");
  return value.toString("latin1");
}

function decodeHeader(
  block: Buffer,
  pax: ReadonlyMap<string, Buffer>,
  longPath: string | undefined,
  longLink: string | undefined,
): TarHeader {
  const flag = String.fromCharCode(block[156] ?? 0);
  let type = types[flag];
  if (type === undefined) throw new TarError(`unknown type ${JSON.stringify(flag)} of tar member`);
  let path = text(block, 0, 100);
  // Only POSIX's magic has a prefix; GNU's keeps times there.
  if (block.toString("latin1", 257, 263) === "ustar\0") {
    const prefix = text(block, 345, 155);
    if (prefix !== "") path = `${prefix}/${path}`;
  }
  path = longPath ?? path;
  let linkPath = longLink ?? text(block, 157, 100);
  let sizeBytes = number(block, 124, 12);
  let uid = number(block, 108, 8);
  let gid = number(block, 116, 8);
  let mtimeSeconds = number(block, 136, 12);
  let mtimeNanoseconds = 0;
  let userName = text(block, 265, 32);
  let groupName = text(block, 297, 32);
  let sparseName: string | undefined;
  let attributes: Map<string, Buffer> | undefined;
  for (const [key, value] of pax) {
    // An empty value takes an earlier one back (POSIX pax), so the header's own holds.
    if (value.length === 0 && !key.startsWith(xattrPrefix)) continue;
    if (key === "path") path = pathText(value);
    // The header's own name is made up; this one is the file's.
    else if (key === "GNU.sparse.name") sparseName = pathText(value);
    else if (key === "linkpath") linkPath = pathText(value);
    else if (key === "size") sizeBytes = decimal(value, key);
    else if (key === "uid") uid = decimal(value, key);
    else if (key === "gid") gid = decimal(value, key);
    else if (key === "uname") userName = value.toString("latin1");
    else if (key === "gname") groupName = value.toString("latin1");
    else if (key === "mtime") ({ seconds: mtimeSeconds, nanoseconds: mtimeNanoseconds } = paxTime(value));
    else if (key.startsWith(xattrPrefix)) {
      attributes ??= new Map();
      attributes.set(key.slice(xattrPrefix.length), Buffer.from(value));
    }
  }
  path = sparseName ?? path;
  if (type === "file" && sizeBytes === 0 && path.endsWith("/")) type = "directory";
  // Links, devices and directories have no payload whatever the header says (as Go's archive/tar reads them).
  if (type !== "file") sizeBytes = 0;
  if (sizeBytes < 0 || !Number.isSafeInteger(sizeBytes)) throw new TarError("negative size of tar member");
  if (uid < 0 || gid < 0 || uid >= 0xffff_ffff || gid >= 0xffff_ffff)
    throw new TarError("owner out of range in tar header");
  const device = type === "character" || type === "block";
  return {
    path,
    type,
    linkPath,
    mode: number(block, 100, 8) & 0o7777,
    uid,
    gid,
    sizeBytes,
    mtimeSeconds,
    mtimeNanoseconds,
    deviceMajor: device ? number(block, 329, 8) : 0,
    deviceMinor: device ? number(block, 337, 8) : 0,
    userName,
    groupName,
    attributes: attributes ?? noAttributes,
  };
}

/** What is known of a sparse member from its header: all of its map, or where the rest of it is. */
type SparseStart = {
  readonly realBytes: number;
  readonly fragments: SparseMap["fragments"];
  readonly rest: "none" | "blocks" | "payload";
};

/** GNU's header has four fragments, and more in blocks behind it (tar(5), "GNU tar"); PAX has three forms. */
function readSparse(block: Buffer, pax: ReadonlyMap<string, Buffer>): SparseStart | undefined {
  const sparseKey = (key: string) => pax.get(`GNU.sparse.${key}`)?.toString("latin1");
  if (block[156] === 0x53) {
    const list = createFragmentList();
    for (let index = 0; index < 4; index++) {
      const length = number(block, 386 + index * 24 + 12, 12);
      const offset = number(block, 386 + index * 24, 12);
      if (length !== 0 || offset !== 0) list.add(offset, length);
    }
    return { realBytes: number(block, 483, 12), fragments: list.fragments, rest: block[482] === 0 ? "none" : "blocks" };
  }
  const size = sparseKey("realsize") ?? sparseKey("size");
  if (size === undefined) {
    for (const key of pax.keys()) if (key.startsWith("GNU.sparse.")) throw new TarError("sparse file without a size");
    return undefined;
  }
  if (!/^\d{1,15}$/.test(size)) throw new TarError("malformed size of a sparse file");
  const map = sparseKey("map");
  if (sparseKey("major") === "1") {
    if (sparseKey("minor") !== "0") throw new TarError("unknown format of a sparse file");
    return { realBytes: Number(size), fragments: [], rest: "payload" };
  }
  return { realBytes: Number(size), fragments: parseSparseList(map ?? ""), rest: "none" };
}

/** A parser that is fed with chunks of any size. `finish` throws when the archive was cut off. */
export type TarParser = { write(chunk: Uint8Array): void; finish(): void };

type State =
  | "header"
  | "sparse-blocks"
  | "sparse-map"
  | "payload"
  | "padding"
  | "metadata"
  | "metadata-padding"
  | "skip"
  | "trailer";

/**
 * Parses tar: V7, ustar, GNU long names, base-256 numbers and sparse files, PAX. Multi-volume and unknown members are
 * refused. Bytes flow straight from the chunk to the visitor; only headers are copied.
 */
export function createTarParser(visitor: TarVisitor, limits: TarLimits = defaultTarLimits): TarParser {
  const block = Buffer.from(new ArrayBuffer(TAR_BLOCK));
  let state: State = "header";
  let filled = 0;
  let remaining = 0;
  let padding = 0;
  let sawZeroBlock = false;
  let entries = 0;
  let metadata: Buffer = Buffer.alloc(0);
  let metadataFlag = "";
  let pax: ReadonlyMap<string, Buffer> = noAttributes;
  let longPath: string | undefined;
  let longLink: string | undefined;
  const raw = visitor.raw?.bind(visitor) ?? (() => {});

  const metadataDone = () => {
    if (metadataFlag === "x") pax = parsePaxRecords(metadata);
    else if (metadataFlag === "L") longPath = text(metadata, 0, metadata.length);
    else if (metadataFlag === "K") longLink = text(metadata, 0, metadata.length);
    metadata = Buffer.alloc(0);
  };

  /** The sparse member that is being read: its map, and where in the file and the map its payload stands. */
  let sparse: { header: TarHeader; fragments: { offset: number; length: number }[]; realBytes: number } | undefined;
  let mapReader: SparseMapReader | undefined;
  let fragment = 0;
  let filePosition = 0;

  const skipTo = (position: number) => {
    if (position > filePosition) visitor.hole?.(position - filePosition);
    filePosition = position;
  };

  /** A piece of payload, cut where holes are. */
  const payload = (piece: Buffer) => {
    if (sparse === undefined) {
      visitor.data(piece);
      return;
    }
    for (let done = 0; done < piece.length;) {
      const current = sparse.fragments[fragment];
      if (current === undefined) throw new TarError("a sparse file has more bytes than its map");
      if (current.length === 0) {
        fragment++;
        continue;
      }
      if (filePosition < current.offset) skipTo(current.offset);
      const take = Math.min(piece.length - done, current.offset + current.length - filePosition);
      visitor.data(piece.subarray(done, done + take));
      done += take;
      filePosition += take;
      if (filePosition === current.offset + current.length) fragment++;
    }
  };

  /** The map is known: the member begins. `remaining` is what is left of its payload. */
  const beginSparse = () => {
    if (sparse === undefined) return;
    const map = checkSparse(sparse, remaining);
    visitor.entry({ ...sparse.header, sizeBytes: map.realBytes, isSparse: true });
    fragment = 0;
    filePosition = 0;
    if (remaining === 0) payloadDone();
    else state = "payload";
  };

  const payloadDone = () => {
    if (sparse !== undefined) skipTo(sparse.realBytes);
    sparse = undefined;
    visitor.end();
    remaining = padding;
    state = padding > 0 ? "padding" : "header";
  };

  const headerDone = () => {
    raw(block);
    if (isZero(block)) {
      if (sawZeroBlock) state = "trailer";
      sawZeroBlock = true;
      return;
    }
    if (sawZeroBlock) throw new TarError("tar member after the end of the archive");
    if (!checksumFits(block)) throw new TarError("checksum of tar header does not match");
    const flag = String.fromCharCode(block[156] ?? 0);
    if (flag === "x" || flag === "g" || flag === "L" || flag === "K") {
      remaining = number(block, 124, 12);
      if (remaining < 0 || remaining > limits.metadataBytes) {
        throw new TarError(`tar metadata of ${remaining} bytes is over the limit of ${limits.metadataBytes}`);
      }
      padding = tarPaddingOf(remaining);
      metadataFlag = flag;
      metadata = Buffer.alloc(remaining);
      filled = 0;
      state = "metadata";
      if (remaining === 0) {
        metadataDone();
        state = "header";
      }
      return;
    }
    if (flag === "V") {
      // GNU volume label: no member.
      remaining = number(block, 124, 12);
      remaining += tarPaddingOf(remaining);
      state = remaining > 0 ? "skip" : "header";
      return;
    }
    if (++entries > limits.entries) throw new TarError(`more than ${limits.entries} members in tar archive`);
    const header = decodeHeader(block, pax, longPath, longLink);
    const sparseStart = header.type === "file" ? readSparse(block, pax) : undefined;
    pax = noAttributes;
    longPath = undefined;
    longLink = undefined;
    remaining = header.sizeBytes;
    padding = tarPaddingOf(remaining);
    if (sparseStart !== undefined) {
      if (visitor.hole === undefined) throw new TarError("sparse files in tar archives are not supported here");
      sparse = { header, fragments: [...sparseStart.fragments], realBytes: sparseStart.realBytes };
      if (sparseStart.rest === "payload") mapReader = createSparseMapReader();
      if (sparseStart.rest === "none") beginSparse();
      else state = sparseStart.rest === "blocks" ? "sparse-blocks" : "sparse-map";
      return;
    }
    visitor.entry(header);
    if (remaining === 0) payloadDone();
    else state = "payload";
  };

  /** One more block of a sparse member's map: behind GNU's header, or at the head of the payload. */
  const sparseBlockDone = () => {
    raw(block);
    if (sparse === undefined) return;
    if (state === "sparse-blocks") {
      const list = createFragmentList();
      for (let index = 0; index < 21; index++) {
        const offset = number(block, index * 24, 12);
        const length = number(block, index * 24 + 12, 12);
        if (length !== 0 || offset !== 0) list.add(offset, length);
      }
      if (sparse.fragments.length + list.fragments.length > 65_536)
        throw new TarError("a sparse file of too many pieces");
      sparse.fragments.push(...list.fragments);
      if (block[504] === 0) beginSparse();
      return;
    }
    remaining -= TAR_BLOCK;
    if (remaining < 0) throw new TarError("the map of a sparse file is longer than the member");
    if (mapReader?.block(block) !== true) return;
    sparse.fragments.push(...mapReader.fragments);
    mapReader = undefined;
    beginSparse();
  };

  return {
    write: (input) => {
      const chunk = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
      let offset = 0;
      while (offset < chunk.length) {
        const available = chunk.length - offset;
        if (state === "header" || state === "sparse-blocks" || state === "sparse-map") {
          const take = Math.min(TAR_BLOCK - filled, available);
          chunk.copy(block, filled, offset, offset + take);
          filled += take;
          offset += take;
          if (filled === TAR_BLOCK) {
            filled = 0;
            if (state === "header") headerDone();
            else sparseBlockDone();
          }
          continue;
        }
        if (state === "trailer") {
          raw(chunk.subarray(offset));
          return;
        }
        const take = Math.min(remaining, available);
        const piece = chunk.subarray(offset, offset + take);
        offset += take;
        remaining -= take;
        if (state === "payload") {
          payload(piece);
          if (remaining === 0) payloadDone();
          continue;
        }
        raw(piece);
        if (state === "metadata") {
          piece.copy(metadata, filled);
          filled += take;
        }
        if (remaining > 0) continue;
        if (state === "metadata") {
          metadataDone();
          filled = 0;
          remaining = padding;
          state = padding > 0 ? "metadata-padding" : "header";
        } else {
          state = "header";
        }
      }
    },
    finish: () => {
      // An archive may end without its two zero blocks, but not inside anything.
      if (state === "trailer") return;
      if (state !== "header" || filled > 0) throw new TarError("unexpected end of tar archive");
    },
  };
}
