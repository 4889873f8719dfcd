import { describe, expect, test } from "bun:test";
import { createStdioDemuxer } from "./demuxer.ts";
import { encodeFrame, STDIO } from "./frame.ts";

function collect() {
  const seen: [number, string][] = [];
  const demuxer = createStdioDemuxer((stream, piece) => {
    const last = seen.at(-1);
    const text = Buffer.from(piece).toString("latin1");
    if (last?.[0] === stream) last[1] += text;
    else seen.push([stream, text]);
  });
  return { seen, demuxer };
}

describe("encodeFrame()", () => {
  test("writes Docker's header with a big-endian length", () => {
    expect([...encodeFrame(STDIO.STDERR, Buffer.from("hi"))]).toEqual([2, 0, 0, 0, 0, 0, 0, 2, 104, 105]);
    expect([...encodeFrame(STDIO.STDOUT, new Uint8Array(0x010203)).subarray(0, 8)]).toEqual([1, 0, 0, 0, 0, 1, 2, 3]);
  });
});

describe("createStdioDemuxer()", () => {
  test.each([1, 2, 3, 7, 8, 9, 1000])("gives the same payloads when cut every %d bytes", (size) => {
    const stream = Buffer.concat([
      encodeFrame(STDIO.STDOUT, Buffer.from("one\n")),
      encodeFrame(STDIO.STDERR, Buffer.from("two\n")),
      encodeFrame(STDIO.STDOUT, Buffer.alloc(0)),
      encodeFrame(STDIO.SYSTEM_ERROR, Buffer.from("broken")),
    ]);
    const { seen, demuxer } = collect();
    for (let at = 0; at < stream.length; at += size) demuxer.push(stream.subarray(at, at + size));
    expect(seen).toEqual([
      [1, "one\n"],
      [2, "two\n"],
      [3, "broken"],
    ]);
    expect(demuxer.isAtBoundary()).toBe(true);
  });

  test("knows that a stream was cut off inside a frame", () => {
    const { demuxer } = collect();
    demuxer.push(encodeFrame(STDIO.STDOUT, Buffer.from("abc")).subarray(0, 9));
    expect(demuxer.isAtBoundary()).toBe(false);
  });

  test("refuses a type that does not exist and believes no length", () => {
    const { demuxer } = collect();
    expect(() => demuxer.push(Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255, 65))).not.toThrow();
    expect(() => collect().demuxer.push(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 1))).toThrow(RangeError);
  });
});
