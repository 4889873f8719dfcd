import { exitCodeOfWaitStatus, readProcessStat, reapByPidfd, reapedWaitStatus } from "#linux";

/** How a process is found to have ended. */
export type ExitFinding =
  | { readonly state: "running" }
  | { readonly state: "exited"; readonly exitCode: number }
  /** It ended, but who reaped it took the code along, or has yet to reap it. */
  | { readonly state: "unknown" };

/** Asks the kernel about the process behind a pidfd, whoever its parent is. Reaps it when it is our child. */
export function findExit(pidfd: number, pid: number, startTime: string): ExitFinding {
  const own = reapByPidfd(pidfd);
  if (typeof own === "number") return { state: "exited", exitCode: own };
  if (own === "running") return { state: "running" };
  // Adopted from an earlier supervisor, so another process is its parent.
  const reaped = reapedWaitStatus(pidfd);
  if (reaped !== undefined) return { state: "exited", exitCode: exitCodeOfWaitStatus(reaped) };
  const stat = readProcessStat(pid);
  if (stat === undefined || stat.startTime !== startTime) return { state: "unknown" };
  // A zombie's status is public to root before anyone reaps it; proc_pid_stat(5), field 52.
  if (stat.state === "Z") return { state: "exited", exitCode: exitCodeOfWaitStatus(stat.waitStatus) };
  return { state: "running" };
}
