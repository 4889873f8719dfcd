import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  becomeProgram,
  becomeSubreaper,
  kernelVersion,
  openPidfd,
  readProcessStat,
  sendSignalByPidfd,
  SYS,
  trySyscall,
} from "#linux";

const SIGKILL = 9;
/** Says to a supervisor that its parent is its guardian. */
const MARK = "BERTH_SUPERVISOR_GUARDIAN";

const folderOf = (stateRoot: string) => join(stateRoot, "guardians");

/**
 * Puts a guardian above this process: the process itself becomes it, and the same command runs once more as its child.
 * A guardian is a subreaper that sleeps and never reaps. When its supervisor is killed, the containers become its
 * children, and their ends stay readable as zombies until a new supervisor has read them: with init as the parent the
 * exit codes would be gone (before Linux 6.15 no pidfd keeps them). Returns only in the child.
 */
export function ensureGuardian(stateRoot: string): void {
  if (process.env[MARK] === String(process.ppid)) return;
  // Since 6.15 a kept pidfd tells the exit code of a process that was reaped (PIDFD_GET_INFO), so init may reap. A guardian
  // never does, and an ended exec that nobody reaps keeps its container's init from ending (zap_pid_ns_processes).
  const { major, minor } = kernelVersion();
  if (major > 6 || (major === 6 && minor >= 15)) return;
  const sleep = Bun.which("sleep", { PATH: `${process.env["PATH"] ?? ""}:/usr/bin:/bin` });
  const startTime = readProcessStat(process.pid)?.startTime;
  // Without the two nothing is lost but a code that ends while no supervisor runs.
  if (sleep === null || startTime === undefined) return;
  mkdirSync(folderOf(stateRoot), { recursive: true, mode: 0o700 });
  // Before the child: a guardian that nobody knows would stay for ever.
  writeFileSync(join(folderOf(stateRoot), String(process.pid)), startTime, { mode: 0o600 });
  becomeSubreaper();
  const [, ...args] = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(0, -1);
  Bun.spawn([readlinkSync("/proc/self/exe"), ...args], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, [MARK]: String(process.pid) },
  });
  becomeProgram(sleep, ["2147483647"]);
}

/** The guardians on record at a state root. */
export type Guardians = {
  /** Ends those of earlier supervisors that are the parent of none of these pids. */
  endUnneeded(running: Iterable<number>): void;
  /** Ends this supervisor's own. */
  end(): void;
};

/** Finds the guardians of earlier supervisors, and one's own. */
export function openGuardians(stateRoot: string): Guardians {
  const folder = folderOf(stateRoot);
  const own = process.env[MARK] === String(process.ppid) ? process.ppid : undefined;
  const earlier = new Set<number>();
  try {
    for (const name of readdirSync(folder)) if (/^\d+$/.test(name) && Number(name) !== own) earlier.add(Number(name));
  } catch {
    // No guardian was ever made at this root.
  }
  const end = (pid: number) => {
    const path = join(folder, String(pid));
    const pidfd = openPidfd(pid);
    if (pidfd !== undefined) {
      // The handle comes first: from here on the pid cannot come to mean another process.
      const isSame = readProcessStat(pid)?.startTime === readFileSync(path, "latin1");
      if (isSame) sendSignalByPidfd(pidfd, SIGKILL);
      trySyscall(SYS.close, pidfd);
    }
    rmSync(path, { force: true });
  };
  return {
    endUnneeded: (running) => {
      if (earlier.size === 0) return;
      const parents = new Set<number | undefined>();
      for (const pid of running) parents.add(readProcessStat(pid)?.parentPid);
      for (const pid of earlier) {
        if (parents.has(pid)) continue;
        end(pid);
        earlier.delete(pid);
      }
    },
    end: () => {
      if (own !== undefined) end(own);
    },
  };
}
