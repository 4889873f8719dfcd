import { readSync } from "node:fs";
import { join } from "node:path";
import { openFifoForOutput, reapByPid } from "#linux";

/** The FIFO on which a guardian is told whom to reap. */
export const guardianRequests = (stateRoot: string, guardian: number): string =>
  join(stateRoot, "guardians", `${guardian}.reap`);

/**
 * What a guardian does (`guardian.ts`): reaps the children that its FIFO names, a pid a line, for ever. Blocks its thread
 * in read(2), having nothing else to do; it costs no CPU.
 */
export function reapOnRequest(stateRoot: string): never {
  // Open for writing too, so that there is never an end of file.
  const requests = openFifoForOutput(guardianRequests(stateRoot, process.pid));
  const bytes = Buffer.alloc(4096);
  let rest = "";
  for (;;) {
    const lines = (rest + bytes.toString("latin1", 0, readSync(requests, bytes))).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) reapByPid(Number(line));
  }
}
