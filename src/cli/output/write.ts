import { write, writeSync } from "node:fs";

const waitCell = new Int32Array(new SharedArrayBuffer(4));

function isCode(error: unknown, code: string): boolean {
  return (error as { code?: string } | null)?.code === code;
}

/**
 * Writes text to a descriptor at once. `process.stdout` is not touched anywhere in the CLI: it costs 8 ms to load.
 * A reader that went away ends the command as SIGPIPE would.
 */
export function writeText(descriptor: 1 | 2, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (isCode(error, "EPIPE")) process.exit(141);
      if (!isCode(error, "EAGAIN")) throw error;
      Atomics.wait(waitCell, 0, 0, 2);
    }
  }
}

function writeOnce(descriptor: number, data: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(descriptor, data, (error, written) => {
      if (error === null) resolve(written);
      else if (isCode(error, "EAGAIN")) setTimeout(() => resolve(0), 2);
      else reject(error);
    });
  });
}

/** Writes raw bytes without blocking signal handling; resolves once the system has taken all of them. */
export async function writeBytes(descriptor: number, data: Uint8Array): Promise<void> {
  let rest = data;
  // A short piece into a pipe or terminal that has room is done before a thread could be woken.
  if (rest.length <= 4096) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (!isCode(error, "EAGAIN")) throw error;
    }
  }
  while (rest.length > 0) rest = rest.subarray(await writeOnce(descriptor, rest));
}
