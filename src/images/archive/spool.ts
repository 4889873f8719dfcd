import { createHash } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "#base";
import { decompress } from "../extract/decompress.ts";
import { cleanEntryPath } from "../extract/entry-path.ts";
import { parseArchive } from "../extract/extract-archive.ts";
import { errors } from "../errors.ts";

/** A file of an archive, written to a file of our own naming. */
export type SpooledFile = { readonly file: string; readonly sizeBytes: number; readonly digest: Digest };

/** An archive's members by path. Members may come in any order, so all are written out before any is understood. */
export type Spool = {
  /** A member by path, links followed; undefined when there is none. */
  find(path: string): SpooledFile | undefined;
  /** A small member as text. */
  text(path: string, limitBytes: number): string | undefined;
  /** A small member's bytes. */
  bytes(file: SpooledFile, limitBytes: number, what: string): Uint8Array;
  open(file: SpooledFile): AsyncIterable<Uint8Array>;
};

/** Members an image archive can sensibly have. */
const MOST_MEMBERS = 20_000;
/** How many links one after the other are followed. */
const MOST_LINKS = 8;

/** Resolves a link's target lexically; only members of the archive can be reached, never a file of the host. */
function linkTarget(from: string, target: string, isSymbolic: boolean): string {
  const slash = from.lastIndexOf("/");
  return cleanEntryPath(
    isSymbolic && !target.startsWith("/") && slash >= 0 ? `${from.slice(0, slash)}/${target}` : target,
  );
}

/** Reads an archive (plain or compressed) into `directory`, which is made here. */
export async function spoolArchive(
  archive: AsyncIterable<Uint8Array>,
  directory: string,
  onBytes: (count: number) => void,
): Promise<Spool> {
  mkdirSync(directory, { mode: 0o700 });
  const files = new Map<string, SpooledFile>();
  const links = new Map<string, string>();
  let members = 0;
  let current:
    | { path: string; file: string; fd: number; hash: ReturnType<typeof createHash>; sizeBytes: number }
    | undefined;

  const end = () => {
    if (current === undefined) return;
    closeSync(current.fd);
    const { path, file, sizeBytes, hash } = current;
    files.set(path, { file, sizeBytes, digest: `sha256:${hash.digest("hex")}` });
    links.delete(path);
    current = undefined;
  };

  try {
    await parseArchive(
      decompress(archive),
      {
        entry: (header) => {
          const path = cleanEntryPath(header.path);
          if (++members > MOST_MEMBERS) throw errors.imageArchiveInvalid(`it has more than ${MOST_MEMBERS} members`);
          if (header.type === "symlink" || header.type === "hardlink") {
            links.set(path, linkTarget(path, header.linkPath, header.type === "symlink"));
            files.delete(path);
          }
          if (header.type !== "file") return;
          const file = join(directory, String(members));
          current = {
            path,
            file,
            fd: openSync(file, "wx", 0o600),
            hash: createHash("sha256"),
            sizeBytes: header.sizeBytes,
          };
        },
        data: (bytes) => {
          if (current === undefined) return;
          current.hash.update(bytes);
          for (let offset = 0; offset < bytes.length;) offset += writeSync(current.fd, bytes, offset);
        },
        end,
      },
      (chunk) => onBytes(chunk.byteLength),
    );
  } finally {
    end();
  }

  const find = (path: string): SpooledFile | undefined => {
    let at = cleanEntryPath(path);
    for (let hops = 0; hops < MOST_LINKS; hops++) {
      const file = files.get(at);
      if (file !== undefined) return file;
      const next = links.get(at);
      if (next === undefined) return undefined;
      at = next;
    }
    throw errors.imageArchiveInvalid(`links of "${path}" go in circles`);
  };
  const bytes = (file: SpooledFile, limitBytes: number, what: string): Uint8Array => {
    if (file.sizeBytes > limitBytes) throw errors.imageArchiveInvalid(`${what} has more than ${limitBytes} bytes`);
    return readFileSync(file.file);
  };
  return {
    find,
    bytes,
    text: (path, limitBytes) => {
      const file = find(path);
      return file === undefined ? undefined : Buffer.from(bytes(file, limitBytes, path)).toString("utf8");
    },
    open: (file) => createReadStream(file.file, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>,
  };
}
