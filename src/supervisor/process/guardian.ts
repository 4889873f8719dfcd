import {
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import {
  becomeProgram,
  becomeSubreaper,
  kernelVersion,
  makeFifo,
  openFifoWriter,
  openPidfd,
  readProcessStat,
  sendSignalByPidfd,
  SYS,
  trySyscall,
} from "#linux";
import { guardianRequests } from "./reap-on-request.ts";

const SIGKILL = 9;
/** Says to a supervisor that its parent is its guardian; the value "always" asks for one on every kernel (tests). */
const MARK = "BERTH_SUPERVISOR_GUARDIAN";
/** How often zombies of earlier supervisors are looked for that belong to no process on record. */
const SWEEP_MS = 1000;

const folderOf = (stateRoot: string) => join(stateRoot, "guardians");

/** Since 6.15 a kept pidfd tells the exit code of a process that was reaped (PIDFD_GET_INFO), so init may reap. */
function kernelKeepsExitCodes(): boolean {
  const { major, minor } = kernelVersion();
  return major > 6 || (major === 6 && minor >= 15);
}

/**
 * Puts a guardian above this process: the process itself becomes it, and the same command runs once more as its child.
 * A guardian is a subreaper that reaps only what it is told to. When its supervisor is killed, the containers become its
 * children, and their ends stay readable as zombies until a new supervisor has read them: with init as the parent the
 * exit codes would be gone (before Linux 6.15 no pidfd keeps them). Returns only in the child.
 */
export function ensureGuardian(stateRoot: string): void {
  const mark = process.env[MARK];
  if (mark === String(process.ppid)) return;
  if (kernelKeepsExitCodes() && mark !== "always") return;
  const startTime = readProcessStat(process.pid)?.startTime;
  // Without it nothing is lost but a code that ends while no supervisor runs.
  if (startTime === undefined) return;
  mkdirSync(folderOf(stateRoot), { recursive: true, mode: 0o700 });
  const path = guardianRequests(stateRoot, process.pid);
  rmSync(path, { force: true });
  makeFifo(path, 0o600);
  // Before the child: a guardian that nobody knows would stay for ever.
  writeFileSync(join(folderOf(stateRoot), String(process.pid)), startTime, { mode: 0o600 });
  becomeSubreaper();
  const [, ...args] = readFileSync("/proc/self/cmdline", "utf8").split("\0").slice(0, -1);
  const program = readlinkSync("/proc/self/exe");
  Bun.spawn([program, ...args], {
    stdio: ["inherit", "inherit", "inherit"],
    env: { ...process.env, [MARK]: String(process.pid) },
  });
  becomeProgram(program, [...args.slice(0, args.indexOf("supervisor")), "guardian", stateRoot]);
}

/** The guardians on record at a state root. */
export type Guardians = {
  /**
   * Has the ended children of earlier supervisors reaped that are not watched any more: an ended exec that nobody reaps keeps
   * its container's init from ending (kernel/pid_namespace.c, zap_pid_ns_processes). Ends guardians that have no child left
   * that counts.
   */
  tidy(): void;
  /** Ends this supervisor's own. */
  end(): void;
};

function childrenOf(pid: number): readonly number[] {
  try {
    const children = new Set<number>();
    // A child belongs to the thread that made or was given it; proc_pid_children(5).
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      for (const child of readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1").split(" ")) {
        if (child !== "") children.add(Number(child));
      }
    }
    return [...children];
  } catch {
    // It has ended.
    return [];
  }
}

/** Finds the guardians of earlier supervisors, and one's own. `running`: the pids this supervisor still watches. */
export function openGuardians(stateRoot: string, running: () => Iterable<number>): Guardians {
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
    rmSync(guardianRequests(stateRoot, pid), { force: true });
  };
  const requestReaping = (guardian: number, pids: readonly number[]) => {
    if (pids.length === 0) return;
    try {
      const fd = openFifoWriter(guardianRequests(stateRoot, guardian));
      writeSync(fd, pids.map((pid) => `${pid}\n`).join(""));
      closeSync(fd);
    } catch {
      // It has ended, and with it its claim on the zombies; or its FIFO is full of the same requests.
    }
  };
  let timer: ReturnType<typeof setInterval> | undefined;
  const tidy = () => {
    if (earlier.size === 0) return;
    const counting = new Set(running());
    for (const guardian of earlier) {
      const children = childrenOf(guardian);
      const others = children.filter((pid) => !counting.has(pid));
      if (others.length === children.length) {
        // Init reaps what it leaves.
        end(guardian);
        earlier.delete(guardian);
      } else {
        requestReaping(
          guardian,
          others.filter((pid) => readProcessStat(pid)?.state === "Z"),
        );
      }
    }
    if (earlier.size === 0) clearInterval(timer);
    else timer ??= setInterval(tidy, SWEEP_MS);
  };
  return {
    tidy,
    end: () => {
      clearInterval(timer);
      if (own !== undefined) end(own);
    },
  };
}
