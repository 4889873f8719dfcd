import { readSync } from "node:fs";
import { openFifoForOutput, reapByPid } from "#linux";

/**
 * What a guardian does (`guardian.ts`): reaps the children that the FIFO names, a pid a line, for ever. Blocks its thread
 * in read(2), having nothing else to do; it costs no CPU.
 */
export function reapOnRequest(fifoPath: string): never {
  // Open for writing too, so that there is never an end of file.
  const requests = openFifoForOutput(fifoPath);
  const bytes = Buffer.alloc(4096);
  let rest = "";
  for (;;) {
    const lines = (rest + bytes.toString("latin1", 0, readSync(requests, bytes))).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) reapByPid(Number(line));
  }
}
