import { humanSize } from "#base";
import { printableLine } from "./printable.ts";
import { writeText } from "./write.ts";

/** A list of what was deleted under its title; nothing when nothing was. */
export function deletedList(title: string, names: readonly string[] | null | undefined): string {
  if (names === null || names === undefined || names.length === 0) return "";
  return `${title}\n${names.map((name) => `${printableLine(name)}\n`).join("")}\n`;
}

/** The last line of every prune. */
export function printReclaimed(lists: string, bytes: number): void {
  writeText(1, `${lists}Total reclaimed space: ${humanSize(bytes)}\n`);
}
