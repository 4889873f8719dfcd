import { TarError } from "./header.ts";

/** Where the bytes of a sparse member lie in the file; the rest of it are holes. */
export type SparseMap = {
  readonly realBytes: number;
  readonly fragments: readonly { readonly offset: number; readonly length: number }[];
};

/** A file of more bytes is nothing an archive may ask for, holes or not. */
const LARGEST = 1024 ** 4;
/** Each fragment is kept in memory until the member ends. */
const MOST_FRAGMENTS = 65_536;
/** Longest map of PAX format 1.0; GNU tar writes about 20 bytes for each fragment. */
const LARGEST_MAP = MOST_FRAGMENTS * 34;

function count(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new TarError("malformed number in the map of a sparse file");
  return Number(text);
}

/** Checks a map against what the member carries: in order, without overlap, inside of the file, and all of the payload. */
export function checkSparse(map: SparseMap, payloadBytes: number): SparseMap {
  if (!Number.isSafeInteger(map.realBytes) || map.realBytes < 0 || map.realBytes > LARGEST) {
    throw new TarError(`a sparse file of ${map.realBytes} bytes is over the limit of ${LARGEST}`);
  }
  let end = 0;
  let total = 0;
  for (const { offset, length } of map.fragments) {
    if (offset < end || length < 0 || offset + length > map.realBytes) {
      throw new TarError("the map of a sparse file is out of order or beyond its end");
    }
    end = offset + length;
    total += length;
  }
  if (total !== payloadBytes) {
    throw new TarError(`the map of a sparse file has ${total} bytes, the member ${payloadBytes}`);
  }
  return map;
}

/** Collects fragments; refuses too many. */
export function createFragmentList() {
  const fragments: { offset: number; length: number }[] = [];
  return {
    fragments,
    add: (offset: number, length: number) => {
      if (fragments.length >= MOST_FRAGMENTS) throw new TarError(`a sparse file of more than ${MOST_FRAGMENTS} pieces`);
      fragments.push({ offset, length });
    },
  };
}

/** The map of PAX formats 0.0 and 0.1: "offset,length,offset,length…" */
export function parseSparseList(text: string): SparseMap["fragments"] {
  const list = createFragmentList();
  if (text === "") return [];
  const numbers = text.split(",", MOST_FRAGMENTS * 2 + 2);
  if (numbers.length % 2 !== 0) throw new TarError("malformed map of a sparse file");
  for (let index = 0; index < numbers.length; index += 2) {
    list.add(count(numbers[index] ?? ""), count(numbers[index + 1] ?? ""));
  }
  return list.fragments;
}

/** The map of PAX format 1.0: decimal numbers, one a line, at the head of the payload, filled up to whole blocks. */
export type SparseMapReader = {
  /** Takes a block; true once the map is complete. */
  block(bytes: Uint8Array): boolean;
  readonly fragments: SparseMap["fragments"];
};

/** See `SparseMapReader`. */
export function createSparseMapReader(): SparseMapReader {
  const list = createFragmentList();
  let text = "";
  let read = 0;
  let expected: number | undefined;
  let offset: number | undefined;
  return {
    fragments: list.fragments,
    block: (bytes) => {
      read += bytes.length;
      if (read > LARGEST_MAP) throw new TarError("the map of a sparse file is too long");
      text += Buffer.from(bytes).toString("latin1");
      for (let line = text.indexOf("\n"); line >= 0; line = text.indexOf("\n")) {
        const number = count(text.slice(0, line));
        text = text.slice(line + 1);
        if (expected === undefined) expected = number;
        else if (offset === undefined) offset = number;
        else {
          list.add(offset, number);
          offset = undefined;
        }
        if (list.fragments.length === expected) return true;
      }
      if (text.length > 20) throw new TarError("malformed map of a sparse file");
      return false;
    },
  };
}
