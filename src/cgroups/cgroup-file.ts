import { closeSync, constants, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "#linux";
import { errors } from "./errors.ts";

/** A control group's directory in one hierarchy. */
export type Directory = string;

/** The text of a file; undefined when the group or the file is not there (ENODEV: removed while open). */
export function readText(directory: Directory, name: string): string | undefined {
  try {
    return readFileSync(join(directory, name), "latin1");
  } catch (error) {
    const code = errorCode(error);
    // EOPNOTSUPP: cgroup.procs of a threaded v2 group.
    if (code === "ENOENT" || code === "ENODEV" || code === "EOPNOTSUPP" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** A file of one number; undefined when absent or "max" (no limit). */
export function readFigure(directory: Directory, name: string): number | undefined {
  const text = readText(directory, name)?.trim();
  return text === undefined || text === "max" || text === "" ? undefined : Number(text);
}

/** A file of `name value` lines. */
export function readTable(directory: Directory, name: string): Record<string, number> {
  const table: Record<string, number> = {};
  for (const line of (readText(directory, name) ?? "").split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) table[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return table;
}

/** Whether this kernel offers the file. */
export function offers(directory: Directory, name: string): boolean {
  return existsSync(join(directory, name));
}

/** Writes one value; the kernel accepts or refuses it as a whole. Never creates the file. */
export function writeValue(directory: Directory, name: string, value: string | number): void {
  const code = tryWriteValue(directory, name, value);
  if (code === undefined) return;
  if (code === "ENOENT" || code === "ENODEV") throw errors.cgroupGone(join(directory, name));
  // What no kernel takes is the asker's mistake, not the machine's.
  if (code === "EINVAL" || code === "ERANGE")
    throw errors.cgroupValueRefused(join(directory, name), String(value), code);
  throw errors.cgroupWriteFailed(join(directory, name), String(value), code);
}

/** Like `writeValue`, but returns the errno's name when the kernel refused; undefined when it was written. */
export function tryWriteValue(directory: Directory, name: string, value: string | number): string | undefined {
  let file: number | undefined;
  try {
    // Not writeFileSync: one write(2) is one value, and the file must never be made.
    file = openSync(join(directory, name), constants.O_WRONLY | constants.O_TRUNC);
    writeSync(file, String(value));
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === undefined) throw error;
    return code;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
