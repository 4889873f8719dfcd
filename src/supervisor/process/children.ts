import { errorMessage, type Logger } from "#base";
import { peekEndedChild, reapByPid } from "#linux";
import type { Starters } from "./start.ts";

const SWEEP_MS = 5000;

/** The supervisor's own children (runtimes) and the orphans it is given as subreaper. */
export type Children = Starters & {
  /** Reaps orphans whose end nobody waits for, such as of containers that share the host's pids. */
  sweep(): void;
  close(): void;
};

/** `isWaitedFor`: pids that are reaped elsewhere. */
export function createChildren(isWaitedFor: (pid: number) => boolean, logger: Logger): Children {
  const running = new Set<number>();
  let starting = 0;
  const sweep = () => {
    // An init between the runtime's end and its entry in our books looks like an orphan.
    if (starting > 0) return;
    for (let pid = peekEndedChild(); pid !== undefined; pid = peekEndedChild()) {
      if (running.has(pid) || isWaitedFor(pid)) return;
      logger.debug("reaped an orphan", { pid });
      reapByPid(pid);
    }
  };
  const timer = setInterval(sweep, SWEEP_MS);
  return {
    run: async (command, cwd, stdio, spawned) => {
      starting++;
      try {
        const child = Bun.spawn([...command], {
          cwd,
          stdio: [...stdio],
          env: { PATH: process.env["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
        });
        running.add(child.pid);
        try {
          spawned(child.pid);
          return await child.exited;
        } finally {
          running.delete(child.pid);
        }
      } catch (error) {
        throw new Error(`cannot run ${command[0] ?? ""}: ${errorMessage(error)}`, { cause: error });
      } finally {
        // The caller reads the pid file right after this, before the next sweep can run.
        queueMicrotask(() => setTimeout(() => starting--, 0));
      }
    },
    sweep,
    close: () => clearInterval(timer),
  };
}
