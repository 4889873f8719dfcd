import { rmSync } from "node:fs";
import { join } from "node:path";
import { type Nanoseconds, nowNanoseconds, parseRfc3339 } from "#base";
import { readInto, WOULD_BLOCK } from "#linux";
import { type EncodedRecords, encodeRecords, RECORD_TEXT_BYTES } from "../record/encode.ts";
import { type CommitMark, openCommitMark } from "./commit-mark.ts";
import { createRotatedCompressor, removeHalfCompressed } from "./compress.ts";
import { type LogFile, openLogFile, rotateLogFile } from "./log-file.ts";
import { openStaging } from "./staging.ts";

/** A stream of output. */
export type LogStream = "stdout" | "stderr";

/** What a log is made of and where. */
export type StagedLogOptions = {
  /** Folder on the run directory for staging; must exist. Its files are this log's alone. */
  readonly directory: string;
  /** The log file. */
  readonly path: string;
  readonly maxSizeBytes?: number | undefined;
  readonly maxFiles: number;
  readonly compress?: boolean | undefined;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Hears of failures to write; output goes on, records are counted as lost. */
  readonly onError: (error: unknown) => void;
};

/**
 * A json-file log that holds each line once, whatever kills its writer: see docs/decisions/0003-log-exactly-once.md.
 * Opening it finishes what an earlier writer of the same folder left undone.
 */
export type StagedLog = {
  /** Moves what a pipe holds into staging; see `Staging.takeFromPipe`. The piece is then `lastPiece()`. */
  takeFromPipe(stream: LogStream, pipe: number): number;
  /** Stages bytes read elsewhere (a terminal). */
  take(stream: LogStream, bytes: Uint8Array): void;
  /** The bytes of the last `takeFromPipe`, valid until the next call of any log. */
  lastPiece(): Buffer;
  /** Writes the complete lines of a stream into the log. */
  commit(stream: LogStream): void;
  /** Writes unfinished lines too, and closes and removes the staging. */
  finish(): void;
};

/** Most bytes moved in one take. */
export const TAKE_BYTES: number = 128 * 1024;

// One buffer for all logs: every use of it ends before the next begins. Recovery may find more than one take.
const work = Buffer.from(new ArrayBuffer(2 * TAKE_BYTES + 2 * RECORD_TEXT_BYTES));
const output = Buffer.from(new ArrayBuffer(1024 * 1024));
const STREAMS = ["stdout", "stderr"] as const;

function bytesOf(encoded: EncodedRecords): Buffer {
  if (!encoded.ascii || encoded.text.length > output.length) return Buffer.from(encoded.text);
  return output.subarray(0, output.write(encoded.text, "latin1"));
}

function countRecords(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

/** Opens or recovers a log. Throws only when the staging cannot be made; trouble with the log file goes to `onError`. */
export function openStagedLog(options: StagedLogOptions): StagedLog {
  const { path, maxFiles, maxSizeBytes = Infinity, attributes, onError } = options;
  const markPath = join(options.directory, "log.mark");
  const stagedPath = (stream: LogStream) => join(options.directory, `${stream}.staged`);
  const markFile = openCommitMark(markPath);
  const found = markFile.read();
  const staging = { stdout: openStaging(stagedPath("stdout")), stderr: openStaging(stagedPath("stderr")) };
  const mark: CommitMark = found ?? { inode: 0, logBytes: 0, consumed: { stdout: 0, stderr: 0 }, lost: 0 };
  // A staging file shorter than the mark says was emptied just before the mark was to be written.
  for (const stream of STREAMS) if (staging[stream].end < mark.consumed[stream]) mark.consumed[stream] = 0;
  const compressor = options.compress === true ? createRotatedCompressor(path, onError) : undefined;
  let file: LogFile | undefined;
  let lastTake: Buffer | { readonly stream: LogStream; readonly length: number } = { stream: "stdout", length: 0 };

  const adopt = (opened: LogFile, logBytes: number): void => {
    file?.close();
    file = opened;
    mark.inode = opened.inode;
    mark.logBytes = logBytes;
    markFile.write(mark);
  };

  /** The current file; opened again after trouble. Undefined when it cannot be. */
  const current = (): LogFile | undefined => {
    if (file !== undefined) return file;
    try {
      const opened = openLogFile(path);
      const torn = opened.size > 0 && opened.readAt(opened.size - 1, 1)[0] !== 10;
      // What an earlier machine crash tore must not take our first record with it.
      if (torn) opened.writeAt(opened.size, Buffer.from("\n"));
      adopt(opened, opened.size + (torn ? 1 : 0));
      return opened;
    } catch (error) {
      onError(error);
      return undefined;
    }
  };

  const encode = (bytes: Buffer, stream: LogStream, time: Nanoseconds, most?: number, flush?: boolean) =>
    encodeRecords(bytes, { stream, time, attributes }, most, flush);

  /** The record that tells of a gap, once writing works again. */
  const lossNotice = (time: Nanoseconds): Buffer => {
    if (mark.lost === 0) return Buffer.alloc(0);
    const text = Buffer.from(`berth: ${mark.lost} log records were lost because the log could not be written\n`);
    return Buffer.from(encode(text, "stderr", time).text);
  };

  /** Writes one batch at the committed end and marks it; false when it did not fit and the file must be rotated first. */
  const writeBatch = (
    bytes: Buffer,
    stream: LogStream,
    flush: boolean,
    fixedTime?: Nanoseconds,
  ): { readonly consumed: number; readonly full: boolean } => {
    const time = fixedTime ?? nowNanoseconds();
    const target = current();
    const room = maxSizeBytes - mark.logBytes;
    // Records are longer than their text, so more input than there is room for is never needed.
    const input = bytes.length > room ? bytes.subarray(0, Math.max(room, RECORD_TEXT_BYTES * 2)) : bytes;
    const cut = input.length < bytes.length;
    let encoded = encode(input, stream, time, Infinity, flush && !cut);
    if (encoded.consumed === 0) return { consumed: 0, full: false };
    let records = bytesOf(encoded);
    let full = cut;
    if (records.length > room) {
      const fits = room <= 0 ? -1 : records.lastIndexOf(10, room - 1);
      if (fits < 0 && mark.logBytes > 0) return { consumed: 0, full: true };
      encoded = encode(input, stream, time, fits < 0 ? 1 : countRecords(records.subarray(0, fits + 1)), flush && !cut);
      records = Buffer.from(encoded.text);
      full = encoded.consumed < bytes.length;
    }
    if (target === undefined) mark.lost += countRecords(records);
    else {
      try {
        // Another program may have emptied the file: go on at its end rather than leave a hole.
        if (target.measure() < mark.logBytes) mark.logBytes = target.measure();
        const notice = lossNotice(time);
        const batch = notice.length === 0 ? records : Buffer.concat([notice, records]);
        target.writeAt(mark.logBytes, batch);
        mark.logBytes += batch.length;
        mark.lost = 0;
      } catch (error) {
        // ENOSPC, EIO: the container must not suffer from it. Nothing half-written may stay.
        if (mark.lost === 0) onError(error);
        mark.lost += countRecords(records);
        try {
          target.truncate(mark.logBytes);
        } catch (again) {
          onError(again);
        }
      }
    }
    mark.consumed[stream] += encoded.consumed;
    markFile.write(mark);
    return { consumed: encoded.consumed, full };
  };

  const rotate = (): boolean => {
    try {
      file?.close();
      file = undefined;
      adopt(rotateLogFile(path, maxFiles), 0);
      compressor?.poke();
      return true;
    } catch (error) {
      onError(error);
      return false;
    }
  };

  const writeStaged = (stream: LogStream, flush: boolean, fixedTime?: Nanoseconds): void => {
    let time = fixedTime;
    for (;;) {
      const bytes = work.subarray(0, staging[stream].read(mark.consumed[stream], work));
      if (bytes.length === 0) break;
      const more = staging[stream].end - mark.consumed[stream] > bytes.length;
      const { consumed, full } = writeBatch(bytes, stream, flush && !more, time);
      time = undefined;
      if (full && mark.logBytes > 0 && !rotate()) {
        // Rather too long a file than a stopped one.
        mark.lost += 1;
        mark.consumed[stream] = staging[stream].end;
        markFile.write(mark);
        break;
      }
      if (!full && !more) break;
      if (consumed === 0 && !full) break;
    }
    const before = mark.consumed[stream];
    mark.consumed[stream] = staging[stream].reclaim(before);
    // Must be on disk before more is staged, or new bytes would count as consumed.
    if (mark.consumed[stream] !== before) markFile.write(mark);
  };

  const stage = (stream: LogStream, bytes: Uint8Array): void => {
    try {
      staging[stream].append(bytes);
    } catch (error) {
      if (mark.lost === 0) onError(error);
      mark.lost += countRecords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) + 1;
    }
  };

  /** A batch that was cut off is written once more with its own time: the same bytes at the same place. */
  const recover = (): void => {
    if (maxFiles === 1) rmSync(`${path}.fresh`, { force: true });
    let opened: LogFile;
    try {
      opened = openLogFile(path);
    } catch (error) {
      onError(error);
      return;
    }
    if (opened.inode !== mark.inode) {
      // Rotation was cut off after the rename: nothing was written into the new file yet.
      opened.close();
      current();
      for (const stream of STREAMS) writeStaged(stream, false);
      return;
    }
    const end = Math.min(mark.logBytes, opened.size);
    const tail = opened.readAt(end, opened.size - end);
    adopt(opened, end);
    const first = tail.subarray(0, tail.indexOf(10) + 1).toString("utf8");
    const match = /","stream":"(stdout|stderr)".*"time":"([^"]+)"\}\n$/.exec(first);
    const time = match === null ? undefined : parseRfc3339(match[2] ?? "");
    if (match !== null && time !== undefined) {
      const stream = match[1] === "stderr" ? "stderr" : "stdout";
      const bytes = work.subarray(0, staging[stream].read(mark.consumed[stream], work));
      const again = Buffer.from(encode(bytes, stream, time, Infinity, false).text);
      if (!again.subarray(0, tail.length).equals(tail)) opened.truncate(end);
      writeStaged(stream, false, time);
    } else if (tail.length > 0) opened.truncate(end);
    for (const stream of STREAMS) writeStaged(stream, false);
    if (opened === file && opened.measure() > mark.logBytes) opened.truncate(mark.logBytes);
  };

  if (options.compress === true) removeHalfCompressed(path);
  if (found === undefined) current();
  else recover();
  compressor?.poke();

  return {
    takeFromPipe: (stream, pipe) => {
      const taken = staging[stream].takeFromPipe(pipe, TAKE_BYTES);
      if (taken >= 0 || taken === WOULD_BLOCK) {
        lastTake = { stream, length: Math.max(taken, 0) };
        return taken;
      }
      // No room to stage (ENOSPC), or a file system that cannot splice: the container must still not block.
      const length = readInto(pipe, work.subarray(0, TAKE_BYTES));
      if (length <= 0) return length;
      lastTake = Buffer.from(work.subarray(0, length));
      stage(stream, lastTake);
      return length;
    },
    take: (stream, bytes) => {
      stage(stream, bytes);
    },
    lastPiece: () => {
      if (lastTake instanceof Uint8Array) return lastTake;
      const { stream, length } = lastTake;
      const target = work.subarray(0, length);
      return target.subarray(0, staging[stream].read(staging[stream].end - length, target));
    },
    commit: (stream) => writeStaged(stream, false),
    finish: () => {
      for (const stream of STREAMS) {
        writeStaged(stream, true);
        staging[stream].close();
      }
      file?.close();
      markFile.close();
      // The mark goes last: staging without a mark would be logged again.
      for (const stream of STREAMS) rmSync(stagedPath(stream), { force: true });
      rmSync(markPath, { force: true });
    },
  };
}
