import { describe, expect, test } from "bun:test";
import { gunzipSync, inflateSync } from "node:zlib";
import { acceptedEncoding, encoded } from "./compression.ts";

describe("acceptedEncoding", () => {
  test.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["br, GZIP", "gzip"],
    ["deflate, gzip;q=0.5", "gzip"],
    ["gzip;q=0, deflate", "deflate"],
    ["gzip; q=0.0", undefined],
  ] as const)("%p is %p", (header, encoding) => {
    expect(acceptedEncoding(header)).toBe(encoding);
  });
});

describe("encoded", () => {
  async function* source() {
    yield Buffer.from("a".repeat(100_000));
    yield Buffer.from("end");
  }
  const collect = async (stream: AsyncIterable<Uint8Array>) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };

  test("keeps every byte", async () => {
    const plain = await collect(source());
    expect(gunzipSync(await collect(encoded(source(), "gzip")))).toEqual(plain);
    expect(inflateSync(await collect(encoded(source(), "deflate")))).toEqual(plain);
  });

  test("fails with its source", async () => {
    // oxlint-disable-next-line require-yield -- it fails before there is anything
    async function* broken(): AsyncGenerator<Uint8Array> {
      throw new Error("the source broke");
    }
    expect(collect(encoded(broken(), "gzip"))).rejects.toThrow("the source broke");
  });
});
