import type { LogRecord } from "../contract.ts";

/** Limits of PutLogEvents: bytes of an event with its overhead, of a batch, events of a batch, and the time it spans. */
const eventOverheadBytes = 26;
const eventBytes = 262_144 - eventOverheadBytes;
const batchBytes = 1_048_576;
const batchEvents = 10_000;
const batchSpanMs = 24 * 3600 * 1000;

/** One event of CloudWatch Logs. */
export type LogEvent = { readonly timestamp: number; readonly message: string };

function textOf({ line }: LogRecord): string {
  const end = line.at(-1) === 10 ? line.length - 1 : line.length;
  return Buffer.from(line.buffer, line.byteOffset, end).toString("utf8");
}

const isWhole = ({ line }: LogRecord): boolean => line.at(-1) === 10;

/** Cuts a text into pieces that an event may have, between characters. */
function pieces(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  if (bytes.length <= eventBytes) return [text];
  const result: string[] = [];
  for (let start = 0; start < bytes.length;) {
    let end = Math.min(start + eventBytes, bytes.length);
    // Not within a character: those bytes begin with the bits 10.
    while (end < bytes.length && end > start && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    result.push(bytes.toString("utf8", start, end));
    start = end;
  }
  return result;
}

/**
 * Makes events of records. With `start`, a line that matches begins an event and others go on with it: the last one may still
 * grow, so it is left unless `isLast`. Says how many records are in the events. Empty events are left out: the service refuses them.
 */
export function logEvents(
  records: readonly LogRecord[],
  start: RegExp | undefined,
  isLast: boolean,
): { readonly events: readonly LogEvent[]; readonly taken: number } {
  const groups: { timestamp: number; text: string; records: number }[] = [];
  // The stream of a line that was too long for one record, and goes on in the next.
  let open: LogRecord["stream"] | undefined;
  for (const record of records) {
    const text = textOf(record);
    const last = groups.at(-1);
    const goesOn = open === record.stream;
    const begins = !goesOn && (start === undefined || start.test(text));
    if (last === undefined || begins) {
      groups.push({ timestamp: Number(record.time / 1_000_000n), text, records: 1 });
    } else {
      // Lines of one event keep their ends; the rest of a long line belongs to its beginning.
      last.text += goesOn ? text : `\n${text}`;
      last.records++;
    }
    open = isWhole(record) ? undefined : record.stream;
  }
  const mayGrow = !isLast && (start !== undefined || open !== undefined);
  const ready = mayGrow ? groups.slice(0, -1) : groups;
  return {
    events: ready.flatMap(({ timestamp, text }) =>
      text === "" ? [] : pieces(text).map((message) => ({ timestamp, message })),
    ),
    taken: ready.reduce((sum, group) => sum + group.records, 0),
  };
}

/** Puts events into batches the service takes: in order of time, and within its limits. */
export function logBatches(events: readonly LogEvent[]): readonly LogEvent[][] {
  const sorted = events.toSorted((one, other) => one.timestamp - other.timestamp);
  const batches: LogEvent[][] = [];
  let bytes = 0;
  for (const event of sorted) {
    const size = Buffer.byteLength(event.message) + eventOverheadBytes;
    const current = batches.at(-1);
    const first = current?.[0];
    const fits =
      current !== undefined &&
      first !== undefined &&
      current.length < batchEvents &&
      bytes + size <= batchBytes &&
      event.timestamp - first.timestamp < batchSpanMs;
    if (fits) {
      current.push(event);
      bytes += size;
    } else {
      batches.push([event]);
      bytes = size;
    }
  }
  return batches;
}
