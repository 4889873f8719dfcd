import { formatRfc3339Nano, type Nanoseconds } from "#base";
import { cutBeforeSequence, decodeAsGo } from "./go-text.ts";

/** Bytes of a line that fit one record; longer lines are split (Docker's copier buffer). */
export const RECORD_TEXT_BYTES: number = 16 * 1024;

const NEWLINE = 10;

/** What of the input became records. */
export type EncodedRecords = {
  /** The records, one JSON object a line. */
  readonly text: string;
  /** True when `text` is ASCII alone, so that its length is its size. */
  readonly ascii: boolean;
  /** Bytes of input that the records hold; the rest is an unfinished line. */
  readonly consumed: number;
};

/** How one stream's records are made. */
export type RecordStyle = {
  readonly stream: "stdout" | "stderr";
  readonly time: Nanoseconds;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
};

function closing({ stream, time, attributes }: RecordStyle): string {
  const attrs = attributes === undefined ? "" : `,"attrs":${JSON.stringify(attributes)}`;
  return `","stream":"${stream}"${attrs},"time":"${formatRfc3339Nano(time)}"}\n`;
}

/** End of the last complete record, when every line before it fits one record; undefined when some line is too long. */
function endOfShortLines(bytes: Buffer): number | undefined {
  let at = 0;
  while (bytes.length - at > RECORD_TEXT_BYTES) {
    // The furthest newline within reach: its absence means a line longer than a record.
    const next = bytes.lastIndexOf(NEWLINE, at + RECORD_TEXT_BYTES);
    if (next < at) return undefined;
    at = next + 1;
  }
  const last = bytes.lastIndexOf(NEWLINE);
  return last < at ? at : last + 1;
}

function encodeLineByLine(bytes: Buffer, style: RecordStyle, most: number, flush: boolean): EncodedRecords {
  const end = closing(style);
  let text = "";
  let at = 0;
  let records = 0;
  while (at < bytes.length && records < most) {
    const newline = bytes.indexOf(NEWLINE, at);
    const lineEnd = newline < 0 ? bytes.length : newline;
    let next: number;
    if (lineEnd - at > RECORD_TEXT_BYTES) {
      const rest = bytes.subarray(at, at + RECORD_TEXT_BYTES + 1);
      next = at + cutBeforeSequence(rest, RECORD_TEXT_BYTES);
    } else if (newline >= 0) next = newline + 1;
    else if (flush) next = bytes.length;
    else break;
    text += `{"log":${JSON.stringify(decodeAsGo(bytes.subarray(at, next))).slice(0, -1)}${end}`;
    at = next;
    records++;
  }
  return { text, ascii: false, consumed: at };
}

/**
 * Turns output into records of Docker's json-file format, `{"log":"text\n","stream":"stdout","time":"…"}`, all of
 * one time. Whole lines only; with `flush` an unfinished last line too, as a record without newline. At most `most`
 * records. Same input, same output: recovery after a crash relies on it.
 */
export function encodeRecords(bytes: Buffer, style: RecordStyle, most = Infinity, flush = false): EncodedRecords {
  const end = most === Infinity && !flush ? endOfShortLines(bytes) : undefined;
  if (end === undefined) return encodeLineByLine(bytes, style, most, flush);
  if (end === 0) return { text: "", ascii: true, consumed: 0 };
  const lines = bytes.toString("utf8", 0, end);
  // One call escapes the whole chunk. With a backslash in it an escaped newline could no longer be told from text.
  if (lines.includes("\\") || lines.includes("\ufffd"))
    return encodeLineByLine(bytes.subarray(0, end), style, most, false);
  const close = closing(style);
  const escaped = JSON.stringify(lines).slice(1, -3);
  const text = `{"log":"${escaped.replaceAll("\\n", `\\n${close}{"log":"`)}\\n${close}`;
  return { text, ascii: lines.length === end && style.attributes === undefined, consumed: end };
}
