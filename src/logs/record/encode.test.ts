import { describe, expect, test } from "bun:test";
import { assert, property, uint8Array } from "fast-check";
import { createRecordDecoder } from "./decode.ts";
import { encodeRecords, RECORD_TEXT_BYTES } from "./encode.ts";
import { decodeAsGo } from "./go-text.ts";

const style = { stream: "stdout", time: 1_700_000_000_123_456_000n } as const;

function logs(text: string): string[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { log: string }).log);
}

describe("encodeRecords()", () => {
  test.each([
    ["plain", "one\ntwo\n"],
    ["quotes and tabs", 'a "b"\t\x1b[31m\n\n'],
    ["backslashes before n", "C:\\new\\\\n\nx\n"],
    ["beyond ASCII", "grüße ☃ 😀\n"],
    ["the replacement character itself", "\ufffd\n"],
  ])("keeps %s", (_, text) => {
    const { text: encoded, consumed } = encodeRecords(Buffer.from(text), style);
    expect(logs(encoded)).toEqual(text.split(/(?<=\n)/));
    expect(consumed).toBe(Buffer.byteLength(text));
  });

  test("leaves an unfinished line, unless told to flush", () => {
    expect(encodeRecords(Buffer.from("a\nb"), style)).toMatchObject({ consumed: 2 });
    const flushed = encodeRecords(Buffer.from("a\nb"), style, Infinity, true);
    expect(logs(flushed.text)).toEqual(["a\n", "b"]);
    expect(flushed.consumed).toBe(3);
  });

  test("splits a line that is longer than a record, not inside a character", () => {
    const line = `${"x".repeat(RECORD_TEXT_BYTES - 1)}ü${"y".repeat(RECORD_TEXT_BYTES)}`;
    const { text } = encodeRecords(Buffer.from(`short\n${line}\n`), style);
    const parts = logs(text);
    expect(parts.join("")).toBe(`short\n${line}\n`);
    expect(parts.length).toBe(4);
    expect(text).not.toContain("\ufffd");
  });

  test("gives at most the records asked for", () => {
    const { text, consumed } = encodeRecords(Buffer.from("a\nb\nc\n"), style, 2);
    expect(logs(text)).toEqual(["a\n", "b\n"]);
    expect(consumed).toBe(4);
  });

  test("any bytes come back through the decoder, broken UTF-8 replaced, whatever way was taken", () => {
    assert(
      property(uint8Array({ maxLength: 400 }), (bytes) => {
        const input = Buffer.from(bytes);
        const { text } = encodeRecords(input, style, Infinity, true);
        const whole = encodeRecords(input, style);
        expect(text.startsWith(whole.text)).toBe(true);
        const decode = createRecordDecoder();
        const out = text
          .split("\n")
          .slice(0, -1)
          .map((line) => Buffer.from(decode(Buffer.from(line))?.line ?? []));
        expect(Buffer.concat(out).toString("utf8")).toBe(decodeAsGo(input));
      }),
      { numRuns: 300 },
    );
  });
});

describe("decodeAsGo()", () => {
  test.each([
    [[0xff, 0x41], "\ufffdA"],
    [[0xe2, 0x98], "\ufffd\ufffd"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x98, 0x80], "😀"],
    [[0xc0, 0x80], "\ufffd\ufffd"],
  ])("%p", (bytes, text) => {
    expect(decodeAsGo(Buffer.from(bytes))).toBe(text);
  });
});
