import type { BuildCacheTable, BuildFileRow } from "#db";
import type { FileStatus } from "#linux";

/** Remembers the digests of files by what the inode says of them, so that an unchanged file is not read again. */
export type FileDigests = {
  find(status: FileStatus): string | undefined;
  remember(status: FileStatus, digest: string): void;
  /** Writes what was learnt in one transaction. */
  flush(): void;
};

/** A file that changed this recently could change again within one tick of the kernel's clock and look the same. */
const settledMs = 1000;

/** Digests kept in the database; new ones are held back until `flush`. */
export function createFileDigests(table: BuildCacheTable, now: () => number = Date.now): FileDigests {
  const learnt = new Map<string, BuildFileRow>();
  const seen = new Map<string, BuildFileRow | undefined>();
  const look = (status: FileStatus): BuildFileRow | undefined => {
    const name = `${status.device}:${status.inode}`;
    const known = learnt.get(name) ?? seen.get(name);
    if (known !== undefined) return known;
    const row = table.findFile(status.device, String(status.inode));
    seen.set(name, row);
    return row;
  };
  return {
    find: (status) => {
      const row = look(status);
      if (row === undefined || row.sizeBytes !== status.sizeBytes) return undefined;
      return row.modified === modifiedOf(status) && row.changed === changedOf(status) ? row.digest : undefined;
    },
    remember: (status, digest) => {
      if (status.ctimeSeconds * 1000 + status.ctimeNanoseconds / 1e6 > now() - settledMs) return;
      learnt.set(`${status.device}:${status.inode}`, {
        device: status.device,
        inode: String(status.inode),
        sizeBytes: status.sizeBytes,
        modified: modifiedOf(status),
        changed: changedOf(status),
        digest,
      });
    },
    flush: () => {
      if (learnt.size === 0) return;
      table.saveFiles([...learnt.values()], now());
      learnt.clear();
    },
  };
}

function modifiedOf(status: FileStatus): string {
  return `${status.mtimeSeconds}.${status.mtimeNanoseconds}`;
}

function changedOf(status: FileStatus): string {
  return `${status.ctimeSeconds}.${status.ctimeNanoseconds}`;
}
