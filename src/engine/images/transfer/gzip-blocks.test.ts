import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { gzipBlocks } from "./gzip-blocks.ts";

async function packed(chunks: readonly Uint8Array[]): Promise<Buffer> {
  async function* source() {
    yield* chunks;
  }
  const out: Uint8Array[] = [];
  for await (const chunk of gzipBlocks(source())) out.push(chunk);
  return Buffer.concat(out);
}

const text = Buffer.from(Array.from({ length: 60_000 }, (_, index) => `line ${index * 7919}\n`).join(""));

test.each([0, 1, 511, 512 * 1024, 512 * 1024 + 1, text.length])("gzipBlocks() gives %p bytes back", async (length) => {
  const bytes = text.subarray(0, length);
  expect(gunzipSync(await packed([bytes])).equals(bytes)).toBe(true);
});

test("gzipBlocks() makes the same of the same bytes, however they come", async () => {
  const pieces = Array.from({ length: Math.ceil(text.length / 1000) }, (_, at) =>
    text.subarray(at * 1000, at * 1000 + 1000),
  );
  expect((await packed(pieces)).equals(await packed([text]))).toBe(true);
});
