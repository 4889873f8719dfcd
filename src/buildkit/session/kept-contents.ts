import { closeSync, mkdirSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import type { KeptContent, SourceEntry, SpoolFile } from "#builder";

/*
 * Contents of clients' directories as they came last, so that only what has changed since is sent again. They live as long
 * as this daemon: one nameless file for each directory, to which each transfer adds what is new.
 */

/** A directory of a client's while files of it are received. */
export type KeptDirectory = {
  /** Where new contents go. */
  readonly spool: SpoolFile;
  /** The content of a file that is announced as it was when it came; undefined when it must be sent. */
  find(
    entry: Pick<SourceEntry, "path" | "sizeBytes" | "mtimeSeconds" | "mtimeNanoseconds" | "mode">,
  ): KeptContent | undefined;
  /** Notes what the directory holds now. */
  keep(files: Iterable<readonly [SourceEntry, KeptContent]>): void;
  /** Ends the transfer; without `keep` before it, nothing it added counts. */
  release(): void;
};

/** What is kept of all directories. */
export type KeptContents = {
  /** A directory by whatever tells it from others; undefined while another build receives it. */
  open(key: string): KeptDirectory | undefined;
};

type Known = { readonly stamp: string; readonly content: KeptContent };
type Kept = {
  readonly file: SpoolFile;
  readonly files: Map<string, Known>;
  isInUse: boolean;
  usedMs: number;
};

/** Of all directories together; those used longest ago go first. */
const maximumBytes = 1024 ** 3;
/** A directory that nobody builds for so long is forgotten. */
const idleMs = 30 * 60_000;

/** @param parts.directory where the files are made; they have no names there */
export function createKeptContents(parts: {
  readonly directory: string;
  readonly maximumBytes?: number | undefined;
  readonly now?: () => number;
}): KeptContents {
  const { now = Date.now } = parts;
  const limit = parts.maximumBytes ?? maximumBytes;
  const kept = new Map<string, Kept>();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const forget = (key: string, directory: Kept) => {
    kept.delete(key);
    directory.file.release();
  };
  const trim = () => {
    const oldest = [...kept].filter(([, { isInUse }]) => !isInUse).sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let bytes = [...kept.values()].reduce((sum, { file }) => sum + file.end, 0);
    for (const [key, directory] of oldest) {
      if (bytes <= limit && now() - directory.usedMs < idleMs) continue;
      bytes -= directory.file.end;
      forget(key, directory);
    }
    clearTimeout(timer);
    timer = kept.size === 0 ? undefined : setTimeout(trim, idleMs).unref();
  };

  return {
    open: (key) => {
      const found = kept.get(key);
      if (found?.isInUse === true) return undefined;
      const directory = found ?? {
        file: nameless(parts.directory),
        files: new Map<string, Known>(),
        isInUse: true,
        usedMs: now(),
      };
      directory.isInUse = true;
      kept.set(key, directory);
      let isKept = false;
      return {
        spool: directory.file,
        find: (entry) => {
          const known = directory.files.get(entry.path);
          return known?.stamp === stampOf(entry) ? known.content : undefined;
        },
        keep: (files) => {
          isKept = true;
          let live = 0;
          const announced = new Set<string>();
          for (const [entry, content] of files) {
            announced.add(entry.path);
            directory.files.set(entry.path, { stamp: stampOf(entry), content });
          }
          // Builds of one directory may want different parts of it; what none has wanted for long has gone.
          if (directory.files.size > 2 * announced.size + 10_000) {
            for (const path of directory.files.keys()) if (!announced.has(path)) directory.files.delete(path);
          }
          for (const { content } of directory.files.values()) live += content.sizeBytes;
          // More that is out of date than not: the next transfer begins anew.
          if (directory.file.end > 64 * 1024 * 1024 && directory.file.end > 2 * live) forget(key, directory);
        },
        release: () => {
          directory.isInUse = false;
          directory.usedMs = now();
          // What half came may be anything.
          if (!isKept && kept.get(key) === directory) forget(key, directory);
          trim();
        },
      };
    },
  };
}

/** What must be the same for a file to be the same, as fsutil compares (diff.go). */
function stampOf(entry: Parameters<KeptDirectory["find"]>[0]): string {
  return `${entry.mode} ${entry.sizeBytes} ${entry.mtimeSeconds} ${entry.mtimeNanoseconds}`;
}

/** A file without a name that is closed when the last who holds it lets go. */
function nameless(directory: string): SpoolFile {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `context-${newId().slice(0, 16)}`);
  const fd = openSync(path, "wx+", 0o600);
  unlinkSync(path);
  let holders = 1;
  return {
    fd,
    end: 0,
    hold: () => void (holders += 1),
    release: () => {
      holders -= 1;
      if (holders === 0) closeSync(fd);
    },
  };
}
