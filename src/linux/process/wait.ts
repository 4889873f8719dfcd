import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

// include/uapi/linux/wait.h
const P_ALL = 0;
const P_PID = 1;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const CLD_EXITED = 1;

const ECHILD = 10;

// siginfo_t, the same layout on x86-64 and arm64: si_code at 8, si_pid at 16, si_status at 24.
const information = stableBuffer(128);

function exitCode(): number {
  const status = information.readInt32LE(24);
  return information.readInt32LE(8) === CLD_EXITED ? status : 128 + status;
}

/**
 * Reaps the child behind a pidfd and returns its exit code (128+n for signal n). "running" while it has not ended,
 * "not-a-child" when another process is its parent or it was reaped already. Never waits; waitid(2).
 */
export function reapByPidfd(pidfd: number): number | "running" | "not-a-child" {
  information.fill(0);
  const result = trySyscall(SYS.waitid, P_PIDFD, pidfd, information, WEXITED | WNOHANG, null);
  if (result === -ECHILD) return "not-a-child";
  if (result < 0 || information.readInt32LE(16) === 0) return "running";
  return exitCode();
}

/** The pid of some child that has ended and was not reaped, left as it is; undefined when there is none. */
export function peekEndedChild(): number | undefined {
  information.fill(0);
  const result = trySyscall(SYS.waitid, P_ALL, 0, information, WEXITED | WNOHANG | WNOWAIT, null);
  const pid = information.readInt32LE(16);
  return result < 0 || pid === 0 ? undefined : pid;
}

/** Reaps one child by pid, whose exit code interests nobody. */
export function reapByPid(pid: number): void {
  trySyscall(SYS.waitid, P_PID, pid, information, WEXITED | WNOHANG, null);
}
