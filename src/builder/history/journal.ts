import { closeSync, openSync, readSync, writeSync } from "node:fs";
import type { BuildProgress } from "#formats";

/** A build's progress, kept in a file and read by any number of readers while it grows. */
export type Journal = {
  append(progress: BuildProgress): void;
  /** Nothing more will come. The file is let go of once nobody reads it. */
  end(): void;
  /** Everything from the beginning, and what comes until the end. */
  follow(signal: AbortSignal): AsyncGenerator<BuildProgress, void>;
};

/** Written when this much is waiting, or when a reader comes, or after the pause. */
const batchBytes = 64 * 1024;
const pauseMs = 30;
/** The log of one build; what comes beyond it is dropped and said. */
const limitBytes = 256 * 1024 * 1024;
const readBytes = 256 * 1024;

/** Begins a journal. A line is one document of progress. */
export function createJournal(path: string): Journal {
  const fd = openSync(path, "wx+", 0o600);
  let pending: string[] = [];
  let pendingBytes = 0;
  let size = 0;
  let ended = false;
  let full = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wake = Promise.withResolvers<void>();
  let open = true;
  let followers = 0;

  /** The file is closed once nothing is written any more and the last reader has gone. */
  const closeWhenUnused = () => {
    if (!ended || followers > 0 || !open) return;
    open = false;
    closeSync(fd);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (pending.length === 0 || !open) return;
    const bytes = Buffer.from(pending.join(""));
    pending = [];
    pendingBytes = 0;
    // A journal is no part of the build: on a full disk the build says so itself, the log has a gap.
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written, bytes.length - written);
      size += bytes.length;
    } catch {
      full = true;
    }
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };

  return {
    append: (progress) => {
      if (full || ended) return;
      const line = `${JSON.stringify(progress)}\n`;
      if (size + pendingBytes + line.length > limitBytes && progress.logs !== undefined) return;
      pending.push(line);
      pendingBytes += line.length;
      if (pendingBytes >= batchBytes) flush();
      else timer ??= setTimeout(flush, pauseMs);
    },
    end: () => {
      ended = true;
      flush();
      wake.resolve();
      closeWhenUnused();
    },
    follow: async function* (signal) {
      if (!open) {
        yield* readJournal(path);
        return;
      }
      let position = 0;
      let rest = Buffer.alloc(0);
      const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      followers++;
      try {
        for (;;) {
          if (signal.aborted || !open) return;
          flush();
          const chunk = readFrom(fd, position);
          if (chunk.length === 0) {
            if (ended) return;
            await Promise.race([wake.promise, aborted]);
            continue;
          }
          position += chunk.length;
          const { lines, rest: cut } = splitLines(Buffer.concat([rest, chunk]));
          rest = cut;
          for (const line of lines) yield line;
        }
      } finally {
        followers--;
        closeWhenUnused();
      }
    },
  };
}

/** The journal of a build that ended. Lines that a crash cut off are left out. */
export async function* readJournal(path: string): AsyncGenerator<BuildProgress, void> {
  const fd = openSync(path, "r");
  try {
    let rest = Buffer.alloc(0);
    for (let position = 0; ;) {
      const chunk = readFrom(fd, position);
      if (chunk.length === 0) return;
      position += chunk.length;
      const { lines, rest: cut } = splitLines(Buffer.concat([rest, chunk]));
      rest = cut;
      for (const line of lines) yield line;
      // Somebody else may want a turn between two pieces of a long log.
      await Promise.resolve();
    }
  } finally {
    closeSync(fd);
  }
}

function readFrom(fd: number, position: number): Buffer {
  const buffer = Buffer.allocUnsafe(readBytes);
  return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, position));
}

function splitLines(bytes: Buffer): { readonly lines: readonly BuildProgress[]; readonly rest: Buffer<ArrayBuffer> } {
  const end = bytes.lastIndexOf(10) + 1;
  const lines: BuildProgress[] = [];
  for (const line of bytes.toString("utf8", 0, end).split("\n")) {
    if (line === "") continue;
    try {
      lines.push(JSON.parse(line) as BuildProgress);
    } catch {
      // Half a line that a killed daemon wrote.
    }
  }
  return { lines, rest: Buffer.from(bytes.subarray(end)) };
}
