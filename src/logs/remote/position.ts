import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Nanoseconds } from "#base";

/** How far a log has been sent: the time of the last record, and how many records of that time. */
export type SentPosition = {
  readonly time: Nanoseconds;
  readonly count: number;
  /** Everything up to the end of a run was sent. */
  readonly complete: boolean;
};

/** Reads a position; undefined when nothing was sent yet (or the file cannot be read, which sends again). */
export function readPosition(path: string): SentPosition | undefined {
  try {
    const stored = JSON.parse(readFileSync(path, "utf8")) as { time: string; count: number; complete: boolean };
    return { time: BigInt(stored.time), count: stored.count, complete: stored.complete };
  } catch {
    // None yet, or torn by a power cut: records are rather sent twice than not at all.
    return undefined;
  }
}

/** Writes a position in one step. */
export function writePosition(path: string, position: SentPosition): void {
  writeFileSync(`${path}.new`, JSON.stringify({ ...position, time: String(position.time) }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
