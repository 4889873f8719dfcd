import { chmodSync, chownSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostOwner, type IdMapping } from "#base";
import { letContainersThrough, mount, MOUNT_FLAG, unmount } from "#linux";

/** BuildKit's bound. */
export const maximumSecretBytes = 500 * 1024;

/** Files in memory: a tmpfs of one step, which no disk ever sees. */
export type SecretFiles = {
  /** Writes a file; returns its path. */
  write(bytes: Uint8Array, file: { readonly mode: number; readonly uid: number; readonly gid: number }): string;
  close(): void;
};

/** @param directory made, mounted over, and removed by `close` */
export function openSecretFiles(directory: string, idMapping: IdMapping | undefined): SecretFiles {
  mkdirSync(directory, { mode: 0o700 });
  mount({
    source: "tmpfs",
    target: directory,
    type: "tmpfs",
    flags: MOUNT_FLAG.noSetuid | MOUNT_FLAG.noDevices | MOUNT_FLAG.noExec,
    options: "mode=0700,size=16m",
  });
  letContainersThrough(directory, idMapping);
  let count = 0;
  return {
    write: (bytes, { mode, ...owner }) => {
      const { uid, gid } = hostOwner(idMapping, owner);
      const path = join(directory, String(count++));
      writeFileSync(path, bytes, { mode: 0o600 });
      chownSync(path, uid, gid);
      chmodSync(path, mode);
      return path;
    },
    close: () => {
      unmount(directory);
      rmdirSync(directory);
    },
  };
}
