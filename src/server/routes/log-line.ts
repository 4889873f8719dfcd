import { FRAME_HEADER_BYTES, STDIO, writeFrameHeader } from "#wire";
import type { LogRecord } from "#engine";

/** One log record as the client gets it: prefix and line in one buffer, framed unless there is a terminal. */
export function logLine(record: LogRecord, prefix: string, terminal: boolean): Uint8Array {
  if (terminal && prefix === "") return record.line;
  const prefixBytes = prefix === "" ? 0 : Buffer.byteLength(prefix);
  const start = terminal ? 0 : FRAME_HEADER_BYTES;
  const payload = prefixBytes + record.line.length;
  const buffer = Buffer.allocUnsafe(start + payload);
  if (!terminal) writeFrameHeader(buffer, 0, record.stream === "stdout" ? STDIO.STDOUT : STDIO.STDERR, payload);
  if (prefixBytes > 0) buffer.write(prefix, start);
  buffer.set(record.line, start + prefixBytes);
  return buffer;
}
