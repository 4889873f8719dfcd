import { readdirSync, readlinkSync } from "node:fs";
import { KernelError, SYS, syscall, trySyscall } from "../ffi/index.ts";

const CLONE_NEWNET = 0x40000000;
const AT_FDCWD = -100;
const O_RDONLY_CLOEXEC = 0o2000000;
const namespaceOfThread = "/proc/thread-self/ns/net";

/** Opens the calling thread's network namespace. The caller closes it with `closeNamespace`. */
export function openOwnNetworkNamespace(): number {
  return syscall("open own network namespace", SYS.openat, AT_FDCWD, namespaceOfThread, O_RDONLY_CLOEXEC, 0);
}

/** Closes a namespace handle. The last one, with no process left inside, makes the kernel delete the namespace and its interfaces, asynchronously. */
export function closeNamespace(fd: number): void {
  trySyscall(SYS.close, fd);
}

/**
 * Makes a network namespace without a name and runs `prepare` inside; returns its handle (close-on-exec).
 * `prepare` must be synchronous and quick, for the whole thread is in the new namespace meanwhile; whatever it
 * opens there (sockets) keeps working there.
 * @param home the thread's own namespace, to return to
 */
export function createNetworkNamespace(home: number, prepare: () => void): number {
  for (let tries = 1; ; tries++) {
    let fd = -1;
    syscall("unshare network namespace", SYS.unshare, CLONE_NEWNET);
    try {
      fd = openOwnNetworkNamespace();
      prepare();
    } catch (error) {
      if (fd >= 0) closeNamespace(fd);
      throw error;
    } finally {
      returnTo(home);
    }
    if (!someThreadBornInside() || tries === maximumTries) return fd;
    // A thread of the JavaScript engine (collector, compiler) that was started just now was born in the new
    // namespace and would keep it alive after its container: leave that namespace to the thread and make another.
    closeNamespace(fd);
  }
}

/** Runs `work` (synchronous) with the thread in the namespace `fd`, then returns to `home`. */
export function insideNetworkNamespace<T>(home: number, fd: number, work: () => T): T {
  syscall("enter network namespace", SYS.setns, fd, CLONE_NEWNET);
  try {
    return work();
  } finally {
    returnTo(home);
  }
}

function returnTo(home: number): void {
  const result = trySyscall(SYS.setns, home, CLONE_NEWNET);
  if (result < 0) {
    // Going on in a container's namespace would do host work in the wrong place.
    process.stderr.write(`${new KernelError("return to own network namespace", -result).message}\n`);
    process.abort();
  }
}

const maximumTries = 5;

// Threads seen before: none of them is in a namespace that was handed out, and a thread never moves by itself.
let knownThreads: ReadonlySet<string> = new Set();

function someThreadBornInside(): boolean {
  const threads = new Set(readdirSync("/proc/self/task"));
  let own: string | undefined;
  let found = false;
  for (const thread of threads) {
    if (knownThreads.has(thread)) continue;
    own ??= readlinkSync(namespaceOfThread);
    try {
      if (readlinkSync(`/proc/self/task/${thread}/ns/net`) === own) continue;
      found = true;
    } catch {
      // The thread has ended meanwhile and holds nothing.
    }
  }
  knownThreads = threads;
  return found;
}
