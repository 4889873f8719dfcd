import { nowNanoseconds } from "#base";
import type { ProcessExit } from "#supervisor";
import type { Container, ExitNotice } from "./container.ts";

/** The next end of a container's process. */
export function nextExit(container: Container, signal?: AbortSignal): Promise<ExitNotice> {
  return waitIn(container.exitWaiters, signal);
}

/** Waits in one of a container's waiter sets; rejects with the signal's reason when it aborts. */
export function waitIn(waiters: Container["exitWaiters"], signal?: AbortSignal): Promise<ExitNotice> {
  return new Promise((resolve, reject) => {
    const done = () => {
      waiters.delete(waiter);
      signal?.removeEventListener("abort", onAbort);
    };
    const waiter = (notice: ExitNotice) => {
      done();
      resolve(notice);
    };
    const onAbort = () => {
      done();
      reject(signal?.reason as Error);
    };
    waiters.add(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** An exit that nobody saw: the process is gone and the supervisor does not know it. */
export function lostExit(id: string, reason: string): ProcessExit {
  return { id, exitCode: 255, exitedAt: String(nowNanoseconds()), lost: reason };
}
