import { read } from "node:fs";

/**
 * Standard input as chunks, read in a thread so that nothing blocks. `process.stdin` would cost 8 ms to load. A read
 * that is under way cannot be taken back; the process ends without it.
 */
export async function* readStandardInput(): AsyncGenerator<Uint8Array, void> {
  const size = 64 * 1024;
  let buffer = new Uint8Array(size);
  for (;;) {
    const length = await new Promise<number>((resolve, reject) => {
      read(0, buffer, 0, size, null, (error, count) => {
        if (error === null) resolve(count);
        else if (error.code === "EAGAIN") setTimeout(() => resolve(-1), 5);
        // A terminal whose other end has gone, or a descriptor that was never opened, is an end of input.
        else if (error.code === "EOF" || error.code === "EIO" || error.code === "EBADF") resolve(0);
        else reject(error);
      });
    });
    if (length === 0) return;
    if (length < 0) continue;
    yield buffer.subarray(0, length);
    // The consumer may still hold the bytes.
    buffer = new Uint8Array(size);
  }
}
