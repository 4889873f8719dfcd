import type { LogReadOptions, LogRecord } from "../contract.ts";
import { createRecordDecoder, type RecordDecoder } from "../record/decode.ts";
import { type ChangeSignal, watchChanges } from "./change.ts";
import { closeAll, currentInode, type OpenLogFile, openChain } from "./chain.ts";
import { compressedCursor, countCompressedLines, findTail, type LineCursor, plainCursor } from "./lines.ts";

/** A cursor for each file, oldest first, so that together they give the last `tail` lines. */
function cursorsFor(files: readonly OpenLogFile[], tail: number | undefined): LineCursor[] {
  let wanted = tail ?? Infinity;
  const cursors: LineCursor[] = [];
  for (const file of [...files].reverse()) {
    // An older file that gives nothing still needs a cursor at its end when it is the current one.
    if (wanted === 0 && cursors.length > 0) break;
    if (wanted === Infinity) cursors.push(file.compressed ? compressedCursor(file, 0) : plainCursor(file, 0));
    else if (file.compressed) {
      const lines = countCompressedLines(file);
      cursors.push(compressedCursor(file, Math.max(0, lines - wanted)));
      wanted -= Math.min(lines, wanted);
    } else {
      const { start, lines } = findTail(file, wanted);
      cursors.push(plainCursor(file, start));
      wanted -= Math.min(lines, wanted);
    }
  }
  return cursors.reverse();
}

/**
 * The files that may hold records from `since` on: all of a file is older than the first record of the next one. What goes
 * on from a saved position, or asks for the last minutes, does not read the whole chain.
 */
function filesSince(files: readonly OpenLogFile[], since: bigint | undefined): readonly OpenLogFile[] {
  if (since === undefined) return files;
  const decode = createRecordDecoder();
  for (let index = files.length - 1; index > 0; index--) {
    const file = files[index];
    const start = file === undefined ? undefined : firstTime(file, decode);
    if (start !== undefined && start <= since) return files.slice(index);
  }
  return files;
}

type Filter = (record: LogRecord) => "take" | "skip" | "stop";

function filterFor({ stdout, stderr, since, until }: LogReadOptions): Filter {
  return (record) => {
    if (until !== undefined && record.time > until) return "stop";
    if (since !== undefined && record.time < since) return "skip";
    return (record.stream === "stdout" ? stdout : stderr) ? "take" : "skip";
  };
}

function* recordsOf(lines: readonly Buffer[], decode: RecordDecoder, filter: Filter): Generator<LogRecord, boolean> {
  for (const line of lines) {
    const record = decode(line);
    if (record === undefined) continue;
    const verdict = filter(record);
    if (verdict === "stop") return false;
    if (verdict === "take") yield record;
  }
  return true;
}

/** First complete line of a file: it tells files apart when their inodes no longer do (compressed meanwhile). */
function firstTime(file: OpenLogFile, decode: RecordDecoder): bigint | undefined {
  const cursor = file.compressed ? compressedCursor(file, 0) : plainCursor(file, 0);
  for (const line of cursor.next()) {
    const record = decode(line);
    if (record !== undefined) return record.time;
  }
  return undefined;
}

/** The files that came after `file` in the log. */
function filesAfter(path: string, file: OpenLogFile | undefined): OpenLogFile[] {
  const chain = openChain(path);
  if (file === undefined) return chain;
  const index = chain.findIndex((candidate) => candidate.inode === file.inode);
  const decode = createRecordDecoder();
  const time = index >= 0 ? undefined : firstTime(file, decode);
  const after = (candidate: OpenLogFile, at: number): boolean => {
    if (index >= 0) return at > index;
    if (time === undefined) return true;
    const start = firstTime(candidate, decode);
    return start === undefined || start > time;
  };
  const kept = chain.filter(after);
  closeAll(chain.filter((candidate) => !kept.includes(candidate)));
  return kept;
}

async function* follow(
  path: string,
  options: LogReadOptions,
  changes: ChangeSignal,
  held: OpenLogFile[],
  last: LineCursor | undefined,
  decode: RecordDecoder,
): AsyncGenerator<LogRecord> {
  const filter = filterFor(options);
  let cursor = last;
  let ended = false;
  void options.ended?.then(() => {
    ended = true;
    changes.wake();
  });
  const stop = () => changes.wake();
  options.signal?.addEventListener("abort", stop);
  const isStopped = () => options.signal?.aborted === true;
  try {
    for (;;) {
      // Asked before the last look: what was written before the end is then surely seen.
      const finished = ended;
      const file = held.at(-1);
      const inode = currentInode(path);
      const replaced = inode !== undefined && inode !== file?.inode;
      for (let lines = cursor?.next() ?? []; lines.length > 0; lines = cursor?.next() ?? []) {
        if (!(yield* recordsOf(lines, decode, filter)) || isStopped()) return;
      }
      if (replaced) {
        // Nothing is written into a file after its rotation, and it was just read to its end.
        const next = filesAfter(path, file);
        if (next.length === 0) {
          // Caught between two renames: look again at the next change.
          if (finished || isStopped()) return;
          await changes.next();
          continue;
        }
        closeAll(held.splice(0));
        held.push(...next);
        const cursors = next.map((one) => (one.compressed ? compressedCursor(one, 0) : plainCursor(one, 0)));
        cursor = cursors.pop();
        for (const older of cursors) {
          for (let lines = older.next(); lines.length > 0; lines = older.next()) {
            if (!(yield* recordsOf(lines, decode, filter)) || isStopped()) return;
          }
        }
        continue;
      }
      if (finished || isStopped()) return;
      await changes.next();
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

/**
 * Reads a json-file log, rotated and compressed files included, oldest record first. Corrupt records are skipped; a
 * log that does not exist is empty. With `follow` it goes on until `ended` resolves or `signal` aborts, which is how
 * a reader that waits is stopped. A record's bytes may be kept.
 */
export async function* readLog(path: string, options: LogReadOptions): AsyncGenerator<LogRecord> {
  const isStopped = () => options.signal?.aborted === true;
  if (isStopped()) return;
  const decode = createRecordDecoder();
  const filter = filterFor(options);
  // Watching starts before the first look, or a change between the two would be missed.
  const changes = options.follow ? watchChanges(path) : undefined;
  const held: OpenLogFile[] = openChain(path);
  try {
    const cursors = cursorsFor(options.tail === undefined ? filesSince(held, options.since) : held, options.tail);
    for (const cursor of cursors) {
      for (let lines = cursor.next(); lines.length > 0; lines = cursor.next()) {
        if (!(yield* recordsOf(lines, decode, filter)) || isStopped()) return;
        // A full chain of synchronous reads would keep everyone else waiting.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (changes !== undefined) yield* follow(path, options, changes, held, cursors.at(-1), decode);
  } finally {
    changes?.close();
    closeAll(held);
  }
}
