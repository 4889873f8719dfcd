import { randomBytes } from "node:crypto";
import type { LogRecord } from "../contract.ts";
import { RECORD_TEXT_BYTES } from "../record/encode.ts";

/** Where a record stands in a line that was too long for one. */
export type PartialLine = { readonly id: string; readonly ordinal: number; readonly last: boolean };

/** A record as remote drivers send it. */
export type LogMessage = {
  readonly record: LogRecord;
  /** Its text without the newline. */
  readonly text: string;
  readonly partial: PartialLine | undefined;
};

/** A line is cut this far before the limit at most, so as not to cut a character. */
const cutSlack = 3;

/** Makes messages of records; knows which records of each stream belong to one long line. */
export function createMessages(): (record: LogRecord) => LogMessage {
  const open: { stdout?: { id: string; ordinal: number }; stderr?: { id: string; ordinal: number } } = {};
  return (record) => {
    const { line, stream } = record;
    const isWhole = line.at(-1) === 10;
    const text = Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString(
      "utf8",
      0,
      line.length - (isWhole ? 1 : 0),
    );
    const goesOn = !isWhole && line.length >= RECORD_TEXT_BYTES - cutSlack;
    const before = open[stream];
    if (!goesOn && before === undefined) return { record, text, partial: undefined };
    const id = before?.id ?? randomBytes(32).toString("hex");
    const ordinal = (before?.ordinal ?? 0) + 1;
    if (goesOn) open[stream] = { id, ordinal };
    else delete open[stream];
    return { record, text, partial: { id, ordinal, last: !goesOn } };
  };
}
