import { createWriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { cliErrors } from "../errors.ts";
import { isTerminal } from "../terminal/terminal.ts";
import { writeBytes } from "./write.ts";

/**
 * Sends a byte stream to a file, or to standard output when `path` is "". The file appears under its name only when it
 * is complete. A terminal is refused before anything is asked of the daemon.
 */
export async function saveStream(path: string, open: () => Promise<AsyncIterable<Uint8Array>>): Promise<void> {
  if (path === "") {
    if (isTerminal(1)) throw cliErrors["terminal-output"]();
    for await (const chunk of await open()) await writeBytes(1, chunk);
    return;
  }
  const body = await open();
  const { pipeline } = await import("node:stream/promises");
  // /dev/null, a FIFO, a link to one: written to, never replaced by a file.
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    await pipeline(body, createWriteStream(path, { flags: "r+" }));
    return;
  }
  // A link to a file stays a link.
  const target = existing === undefined ? path : await realpath(path);
  const temporary = `${target}.${process.pid}.part`;
  const file = createWriteStream(temporary, { mode: 0o600 });
  try {
    await pipeline(body, file);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
