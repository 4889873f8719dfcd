import type { WaitCondition } from "../contract.ts";
import { type Container, type ExitNotice, hasProcess } from "./container.ts";
import { waitIn } from "./waiting.ts";

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
      return waitIn(container.exitWaiters, signal);
    case "next-exit":
      return waitIn(container.exitWaiters, signal);
    case "removed":
      return waitIn(container.removalWaiters, signal);
  }
}
