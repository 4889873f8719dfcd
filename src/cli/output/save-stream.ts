import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
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
  const temporary = `${path}.${process.pid}.part`;
  const file = createWriteStream(temporary, { mode: 0o600 });
  try {
    const { pipeline } = await import("node:stream/promises");
    await pipeline(body, file);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
