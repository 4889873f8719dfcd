import { fstatSync, readSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { OpenLogFile } from "./chain.ts";

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

/** Reads whole lines of a file that may still grow. */
export type LineCursor = {
  /** The complete lines that follow, without their newlines, at most one chunk of them; empty when none is complete. */
  next(): Buffer[];
};

function splitLines(chunk: Buffer): { readonly lines: Buffer[]; readonly consumed: number } {
  const lines: Buffer[] = [];
  let from = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
    lines.push(chunk.subarray(from, at));
    from = at + 1;
  }
  return { lines, consumed: from };
}

/** A cursor from `start`, which must be the start of a line. A file that became shorter is read from its beginning. */
export function plainCursor(file: OpenLogFile, start: number): LineCursor {
  let position = start;
  return {
    next: () => {
      const { size } = fstatSync(file.fd);
      if (size < position) position = 0;
      for (;;) {
        const wanted = Math.min(CHUNK_BYTES, size - position);
        if (wanted <= 0) return [];
        // Records handed out are views of it, so each chunk has memory of its own.
        const chunk = Buffer.allocUnsafeSlow(wanted);
        const { lines, consumed } = splitLines(chunk.subarray(0, readSync(file.fd, chunk, 0, wanted, position)));
        if (consumed > 0) {
          position += consumed;
          return lines;
        }
        // No record is as long as a chunk: skip what cannot be one.
        if (wanted < CHUNK_BYTES) return [];
        position += wanted;
      }
    },
  };
}

/** A cursor over a rotated file that was compressed; it is inflated at once, and is at most as large as `max-size`. */
export function compressedCursor(file: OpenLogFile, skipLines: number): LineCursor {
  let lines: Buffer[] | undefined = inflate(file).slice(skipLines);
  return {
    next: () => {
      const all = lines ?? [];
      lines = undefined;
      return all;
    },
  };
}

function inflate(file: OpenLogFile): Buffer[] {
  const { size } = fstatSync(file.fd);
  const packed = Buffer.allocUnsafeSlow(size);
  const read = readSync(file.fd, packed, 0, size, 0);
  try {
    return splitLines(gunzipSync(packed.subarray(0, read))).lines;
  } catch {
    // Damaged on disk: its records are gone, the others are not.
    return [];
  }
}

/** How many lines a compressed file holds. */
export function countCompressedLines(file: OpenLogFile): number {
  return inflate(file).length;
}

/**
 * Where the last `count` complete lines of a file begin, and how many there are. Reads from the end, so that the
 * tail of a large log costs what the tail is long.
 */
export function findTail(file: OpenLogFile, count: number): { readonly start: number; readonly lines: number } {
  const { size } = fstatSync(file.fd);
  let lines = -1;
  let end = size;
  let start = size;
  while (end > 0) {
    const from = Math.max(0, end - CHUNK_BYTES);
    const chunk = Buffer.allocUnsafeSlow(end - from);
    const length = readSync(file.fd, chunk, 0, end - from, from);
    for (let at = length; at > 0;) {
      at = chunk.lastIndexOf(NEWLINE, at - 1);
      if (at < 0) break;
      // The first newline from the end closes the last complete line.
      lines++;
      start = from + at + 1;
      if (lines === count) return { start, lines };
    }
    end = from;
  }
  return lines < 0 ? { start: 0, lines: 0 } : { start: 0, lines: lines + 1 };
}
