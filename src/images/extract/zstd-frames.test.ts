import { expect, test } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import { createZstdFrames } from "./zstd-frames.ts";

function isWhole(bytes: Uint8Array, piece: number): boolean {
  const frames = createZstdFrames();
  for (let at = 0; at < bytes.length; at += piece) frames.write(bytes.subarray(at, at + piece));
  return frames.isWhole();
}

const random = crypto.getRandomValues(new Uint8Array(60_000));
const skippable = Buffer.concat([Buffer.from("5a2a4d1803000000", "hex"), Buffer.from("abc")]);
const emptySkippable = Buffer.from("502a4d1800000000", "hex");

test.each<[string, Uint8Array]>([
  ["nothing", zstdCompressSync(new Uint8Array())],
  ["a little", zstdCompressSync(Buffer.from("text"))],
  ["zeros", zstdCompressSync(new Uint8Array(500_000))],
  ["what cannot be packed", zstdCompressSync(Buffer.concat([random, random, random, random]))],
  ["two frames", Buffer.concat([zstdCompressSync(random), zstdCompressSync(Buffer.from("more"))])],
  ["skippable frames", Buffer.concat([skippable, zstdCompressSync(random), emptySkippable])],
])("createZstdFrames() knows where %s ends, and that it ends nowhere else", (_what, bytes) => {
  for (const piece of [1, 7, 4096, bytes.length]) expect(isWhole(bytes, piece)).toBe(true);
  for (let cut = 1; cut < Math.min(bytes.length, 60); cut++) {
    const part = bytes.subarray(0, bytes.length - cut);
    // Cut exactly between frames it is whole.
    const isBetween =
      cut === emptySkippable.length && bytes.subarray(-8).every((byte, at) => byte === emptySkippable[at]);
    const second = zstdCompressSync(Buffer.from("more")).length;
    if (isBetween || cut === second || part.length === 0) continue;
    expect(`${cut}: ${isWhole(part, 4096)}`).toBe(`${cut}: false`);
  }
});
