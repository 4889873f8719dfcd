/** What a tar member is. `symlink` and `hardlink` carry `linkPath`, the devices their numbers. */
export type TarEntryType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo";

/**
 * A member of a tar archive. Paths, links and attribute names are byte strings (latin1: one char is one byte),
 * exactly as the archive has them; nothing has been cleaned.
 */
export type TarHeader = {
  readonly path: string;
  readonly type: TarEntryType;
  readonly linkPath: string;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file; zero for anything but files. The payload of a sparse one has fewer. */
  readonly sizeBytes: number;
  /** The file has holes: the visitor is told of them. */
  readonly isSparse?: boolean;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly userName: string;
  readonly groupName: string;
  /** Extended attributes (PAX `SCHILY.xattr.*`), by name. */
  readonly attributes: ReadonlyMap<string, Buffer>;
};

/** Tar is made of blocks of this size. */
export const TAR_BLOCK = 512;

/** Bytes that fill a payload up to the next block. */
export function tarPaddingOf(sizeBytes: number): number {
  return (TAR_BLOCK - (sizeBytes % TAR_BLOCK)) % TAR_BLOCK;
}

/** What a reader refuses, so that an archive cannot make it hold unbounded memory. */
export type TarLimits = {
  /** @default 5,000,000 */
  readonly entries: number;
  /** Bytes of one PAX header or GNU long name. @default 1 MiB */
  readonly metadataBytes: number;
};

export const defaultTarLimits: TarLimits = { entries: 5_000_000, metadataBytes: 1024 * 1024 };

/** An archive that is not a tar, or not one we accept. */
export class TarError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "TarError";
  }
}
