import type { IdRange } from "#base";
import { errors } from "../errors.ts";

/** A line of /etc/subuid or /etc/subgid (subuid(5)): ids of the host that a user may give to others. */
export type SubordinateRange = { readonly owner: string; readonly start: number; readonly length: number };

/** How many ids a user gets that has none. */
export const usualLength = 65_536;
const firstStart = 100_000;

/** All ranges of a file, in its order. Throws in Docker's words for a line that is none. */
export function parseSubordinateIds(path: string, text: string): readonly SubordinateRange[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const fields = line.split(":");
      const [owner = "", start = "", length = ""] = fields;
      if (fields.length !== 3) throw errors.subordinateIdsMalformed(path);
      return { owner, start: count(path, start), length: count(path, length) };
    });
}

function count(path: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw errors.subordinateIdInvalid(path, text);
  return Number(text);
}

/**
 * Ids inside, from 0 on, over the ranges of one user, lowest first (moby `pkg/idtools`, createIDMap). Lines with the
 * user's number come before those with its name. Throws when there are none, or when the kernel could not take them.
 */
export function idRangesOf(
  kind: "subuid" | "subgid",
  ranges: readonly SubordinateRange[],
  user: { readonly name: string; readonly uid: number },
): readonly IdRange[] {
  const byNumber = ranges.filter(({ owner }) => owner === String(user.uid));
  const own = byNumber.length > 0 ? byNumber : ranges.filter(({ owner }) => owner === user.name);
  const mapped: IdRange[] = [];
  let containerId = 0;
  for (const { start, length } of own.toSorted((one, other) => one.start - other.start)) {
    if (length === 0) continue;
    mapped.push({ containerId, hostId: start, size: length });
    containerId += length;
  }
  if (mapped.length === 0) throw errors.subordinateIdsMissing(kind, user.name);
  for (const [index, { hostId, size }] of mapped.entries()) {
    const next = mapped[index + 1];
    // (uid_t) -1 is nobody; user_namespaces(7): ranges must not overlap. Root of the host is never a container's.
    const isRight = hostId > 0 && hostId + size <= 0xffff_ffff && (next === undefined || next.hostId >= hostId + size);
    if (!isRight) throw errors.subordinateRangeInvalid(kind, user.name, `${hostId}:${size}`);
  }
  return mapped;
}

/** The first place from 100000 on where a range of the usual length overlaps no other (moby, findNextRangeStart). */
export function freeStart(ranges: readonly SubordinateRange[]): number {
  let start = firstStart;
  for (const range of ranges.toSorted((one, other) => one.start - other.start)) {
    const overlaps = start < range.start + range.length && range.start < start + usualLength;
    if (overlaps) start = range.start + range.length;
  }
  return start;
}
