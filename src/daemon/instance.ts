import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createHash } from "node:crypto";
import { SYS, trySyscall } from "#linux";
import { errors } from "./errors.ts";

/** Who this daemon is among those of the machine; every name it makes on the host derives from it. */
export type Instance = {
  /** 8 hex digits of the data root's path: the same after each restart. */
  readonly id: string;
  /** True for the daemon of the default data root: it gets the short names (`berth0`, `/berth`). */
  readonly isDefault: boolean;
};

/** The instance that a data root stands for. */
export function instanceOf(dataRoot: string): Instance {
  const path = resolve(dataRoot);
  return { id: createHash("sha256").update(path).digest("hex").slice(0, 8), isDefault: path === "/var/lib/berth" };
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Makes the two roots and takes the data root for this process (flock(2): gone with the process, however it ends).
 * Throws conflict when another daemon has it. Returns the release.
 */
export function claimRoots(dataRoot: string, execRoot: string, pidFile: string): () => void {
  mkdirSync(dataRoot, { recursive: true, mode: 0o710 });
  mkdirSync(execRoot, { recursive: true, mode: 0o711 });
  const fd = openSync(join(dataRoot, "lock"), "a", 0o600);
  // A daemon that was killed holds its lock until its last thread has ended, a moment after its main thread is seen dead.
  const patience = Date.now() + 2000;
  while (trySyscall(SYS.flock, fd, LOCK_EX | LOCK_NB) < 0) {
    if (Date.now() > patience) {
      closeSync(fd);
      throw errors.dataRootInUse(dataRoot);
    }
    Bun.sleepSync(20);
  }
  mkdirSync(dirname(pidFile), { recursive: true });
  writeFileSync(pidFile, `${process.pid}\n`);
  return () => closeSync(fd);
}
