import { nowNanoseconds } from "#base";
import type { ProcessExit } from "#supervisor";
import type { Container, ExitNotice } from "./container.ts";

/** The next end of a container's process. */
export function nextExit(container: Container, signal?: AbortSignal): Promise<ExitNotice> {
  return waitIn(container.exitWaiters, signal);
}

/** How long SIGKILL may take before a request gives up (a process in uninterruptible sleep). */
export const killPatienceMs = 10_000;

/** Whether an end comes within that time. */
export async function endsWithin(gone: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const result = await Promise.race([gone.then(() => true), late]);
  clearTimeout(timer);
  return result;
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
