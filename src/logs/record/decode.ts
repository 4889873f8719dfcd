import { type Nanoseconds, parseRfc3339 } from "#base";
import type { LogRecord } from "../contract.ts";

const HEAD = Buffer.from('{"log":"');
const STREAM = Buffer.from('","stream":"std');
const TIME = Buffer.from('","time":"');
const BACKSLASH = 92;
const QUOTE = 34;
const NEWLINE_ESCAPE_BYTES = 2;

/** Parses lines of a json-file log; made once a reader, because it remembers the last time text it has parsed. */
export type RecordDecoder = (line: Buffer) => LogRecord | undefined;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textAttributes(value: unknown): Record<string, string> | undefined {
  if (!isRecord(value)) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, text]) => (typeof text === "string" ? [[key, text] as const] : [])),
  );
}

/** Makes a decoder. It returns undefined for a line that is no record (torn, corrupt): readers skip those. */
export function createRecordDecoder(): RecordDecoder {
  let lastText = "";
  let lastTime: Nanoseconds | undefined;
  const parseTime = (text: string): Nanoseconds | undefined => {
    if (text !== lastText) {
      lastText = text;
      lastTime = parseRfc3339(text);
    }
    return lastTime;
  };

  // Our own records of plain text: cut by position, nothing unescaped but the final newline.
  const plain = (line: Buffer): LogRecord | undefined => {
    if (!line.subarray(0, HEAD.length).equals(HEAD)) return undefined;
    const cut = line.lastIndexOf(STREAM);
    if (cut < HEAD.length) return undefined;
    const endsLine = line[cut - 1] === 110 && line[cut - 2] === BACKSLASH && cut - 2 >= HEAD.length;
    const text = line.subarray(HEAD.length, endsLine ? cut - NEWLINE_ESCAPE_BYTES : cut);
    if (text.includes(BACKSLASH) || text.includes(QUOTE)) return undefined;
    const kind = line.toString("latin1", cut + STREAM.length, cut + STREAM.length + 3);
    const timeStart = cut + STREAM.length + 3;
    if (!line.subarray(timeStart, timeStart + TIME.length).equals(TIME)) return undefined;
    const time = parseTime(line.toString("latin1", timeStart + TIME.length, line.length - 2));
    if (time === undefined || (kind !== "out" && kind !== "err")) return undefined;
    if (line[line.length - 2] !== QUOTE || line[line.length - 1] !== 125) return undefined;
    let bytes: Uint8Array = text;
    if (endsLine) {
      // The two bytes of the escape give room for the newline in place.
      line[cut - 2] = 10;
      bytes = line.subarray(HEAD.length, cut - 1);
    }
    return { time, stream: `std${kind}`, line: bytes };
  };

  return (line) => {
    const quick = plain(line);
    if (quick !== undefined) return quick;
    let value: unknown;
    try {
      value = JSON.parse(line.toString("utf8"));
    } catch {
      // A torn or overwritten record (moby 1b46faf233): the others are still good.
      return undefined;
    }
    if (!isRecord(value) || typeof value["log"] !== "string" || typeof value["time"] !== "string") return undefined;
    const time = parseTime(value["time"]);
    if (time === undefined) return undefined;
    const attributes = textAttributes(value["attrs"]);
    const stream = value["stream"] === "stderr" ? "stderr" : "stdout";
    return {
      time,
      stream,
      line: Buffer.from(value["log"]),
      ...(attributes === undefined ? {} : { attributes }),
    };
  };
}
