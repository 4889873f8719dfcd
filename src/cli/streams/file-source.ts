import { createReadStream, openSync } from "node:fs";
import { cliErrors } from "../errors.ts";

/** A file of ours as a byte stream; opened at once, so that a missing one is told before anything is sent. */
export function openSource(path: string): AsyncIterable<Uint8Array> {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    const { code } = error as { code?: string };
    const reason =
      code === "ENOENT"
        ? "no such file or directory"
        : code === "EACCES"
          ? "permission denied"
          : (code ?? "unreadable");
    throw cliErrors["file-unreadable"](path, reason);
  }
  return createReadStream("", { fd: descriptor, highWaterMark: 256 * 1024 });
}
