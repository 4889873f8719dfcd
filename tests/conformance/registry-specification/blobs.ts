import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { SpecificationClient } from "./client.ts";
import { type DigestAlgorithm, digestOf } from "./samples.ts";
import { beginUpload, expectDigest, pushBlob, uploadWays } from "./uploads.ts";

/** A blob is there with its bytes, and then it is deleted and gone. */
async function readAndDelete(
  client: SpecificationClient,
  repository: string,
  bytes: Buffer,
  digest: string,
): Promise<void> {
  const path = `/v2/${repository}/blobs/${digest}`;
  for (const method of ["HEAD", "GET"]) {
    const answer = await client.send(method, path);
    expect([method, answer.status, answer.headers.get("content-length")]).toEqual([method, 200, String(bytes.length)]);
    expectDigest(answer, digest);
    expect(answer.body.equals(method === "GET" ? bytes : Buffer.alloc(0))).toBe(true);
  }
  expect((await client.send("DELETE", path)).status).toBe(202);
  expect((await client.send("HEAD", path)).status).toBe(404);
}

/** A mount: 201 with the blob, or 202 with an upload. */
async function mount(
  client: SpecificationClient,
  repository: string,
  digest: string,
  from?: string,
): Promise<{ readonly status: number; readonly location: string }> {
  const answer = await client.send("POST", `/v2/${repository}/blobs/uploads/`, {
    query: { mount: digest, ...(from === undefined ? {} : { from }) },
  });
  return { status: answer.status, location: answer.headers.get("location") ?? "" };
}

const ranges: readonly (readonly [header: string, start: number, end: number])[] = [
  ["bytes=500-1499", 500, 1500],
  ["bytes=500-", 500, 2048],
  ["bytes=-500", 1548, 2048],
  ["bytes=2000-5000", 2000, 2048],
];

/** Tests of everything the specification lets a client do with blobs. */
export function testBlobs(
  client: () => SpecificationClient,
  repository: string,
  other: string,
  algorithm: DigestAlgorithm,
): void {
  const random = (length: number) => {
    const bytes = randomBytes(length);
    return [bytes, digestOf(bytes, algorithm)] as const;
  };

  test(`a blob nobody pushed is not there (${algorithm})`, async () => {
    const [, digest] = random(100);
    for (const method of ["HEAD", "GET", "DELETE"]) {
      expect((await client().send(method, `/v2/${repository}/blobs/${digest}`)).status).toBe(404);
    }
  });

  test.each([...uploadWays])(`a blob is pushed by %s (${algorithm})`, async (way) => {
    for (const outOfOrder of way.startsWith("chunks") ? [false, true] : [false]) {
      const [bytes, digest] = random(way.startsWith("chunks") ? 3067 : 512);
      await pushBlob(client(), repository, bytes, digest, way, { outOfOrder });
      await readAndDelete(client(), repository, bytes, digest);
    }
    // Other bytes than the digest's are refused, and not kept.
    const [bytes, digest] = random(3067);
    const wrong = Buffer.concat([bytes, Buffer.from("oh no")]);
    await pushBlob(client(), repository, wrong, digest, way, { isWrong: true });
    expect((await client().send("HEAD", `/v2/${repository}/blobs/${digest}`)).status).toBe(404);
  });

  test(`a blob is mounted, from a repository or from anywhere, when it is there (${algorithm})`, async () => {
    const [bytes, digest] = random(512);
    // What is nowhere is to be uploaded.
    for (const from of [other, undefined]) {
      const begun = await mount(client(), repository, digest, from);
      expect([begun.status, begun.location]).toEqual([
        202,
        expect.stringContaining(`/v2/${repository}/blobs/uploads/`),
      ]);
      expect((await client().send("DELETE", begun.location)).status).toBe(204);
    }
    for (const from of [other, undefined]) {
      await pushBlob(client(), other, bytes, digest);
      const mounted = await mount(client(), repository, digest, from);
      expect([mounted.status, mounted.location]).toEqual([
        201,
        expect.stringContaining(`/v2/${repository}/blobs/${digest}`),
      ]);
      await readAndDelete(client(), repository, bytes, digest);
      await readAndDelete(client(), other, bytes, digest);
    }
  });

  test(`an upload is given up (${algorithm})`, async () => {
    const location = await beginUpload(client(), repository);
    expect((await client().send("DELETE", location)).status).toBe(204);
    expect((await client().send("GET", location)).status).toBe(404);
  });

  test(`a part of a blob is read by its range (${algorithm})`, async () => {
    const [bytes, digest] = random(2048);
    await pushBlob(client(), repository, bytes, digest);
    const path = `/v2/${repository}/blobs/${digest}`;
    for (const [range, start, end] of ranges) {
      const part = await client().send("GET", path, { headers: { range } });
      expect([range, part.status, part.headers.get("content-range"), part.headers.get("content-length")]).toEqual([
        range,
        206,
        `bytes ${start}-${end - 1}/2048`,
        String(end - start),
      ]);
      expect(part.body.equals(bytes.subarray(start, end))).toBe(true);
    }
    for (const range of ["bytes=500-0", "bytes=5000-10000"]) {
      expect((await client().send("GET", path, { headers: { range } })).status).toBe(416);
    }
    expect((await client().send("DELETE", path)).status).toBe(202);
  });

  test.each([
    ["nothing", ""],
    ["an empty object", "{}"],
  ])(`a blob of %s is a blob (${algorithm})`, async (_, text) => {
    const bytes = Buffer.from(text);
    for (const way of text === "" ? (["POST and PUT"] as const) : uploadWays) {
      await pushBlob(client(), repository, bytes, digestOf(bytes, algorithm), way);
      await readAndDelete(client(), repository, bytes, digestOf(bytes, algorithm));
    }
  });
}
