import type { WaitCondition } from "../contract/index.ts";
import { type Container, type ExitNotice, hasProcess } from "./container.ts";
import { endsWithin, waitIn } from "./waiting.ts";

/** `wait`: the exit code under one of Docker's three conditions. */
export function waitForContainer(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal | undefined,
): Promise<ExitNotice> {
  switch (condition) {
    case "not-running":
      if (!hasProcess(container) && container.life.status !== "restarting") {
        return Promise.resolve({ exitCode: container.life.exitCode });
      }
      return afterOutput(container, waitIn(container.exitWaiters, signal));
    case "next-exit":
      return afterOutput(container, waitIn(container.exitWaiters, signal));
    case "removed":
      return afterOutput(container, waitIn(container.removalWaiters, signal));
  }
}

/** A client that does not read its output holds its own news up so long, and no longer. */
const outputPatienceMs = 250;

/**
 * Who waits is told after the output has been passed on: clients that attach and wait take the end of the wait for the
 * end of the output (dockerode's `run`).
 */
async function afterOutput(container: Container, ended: Promise<ExitNotice>): Promise<ExitNotice> {
  const notice = await ended;
  if (container.attachments.size > 0) await endsWithin(Promise.all(container.attachments), outputPatienceMs);
  return notice;
}
