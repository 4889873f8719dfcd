import { expect } from "bun:test";
import type { Reply, SpecificationClient } from "./client.ts";

/** The ways of the specification to push a blob. */
export const uploadWays = ["POST alone", "POST and PUT", "a stream", "chunks", "chunks, the last by PUT"] as const;
export type UploadWay = (typeof uploadWays)[number];

export type UploadOptions = {
  /** The bytes do not have the digest: the registry must say so, with 400. */
  readonly isWrong?: boolean;
  /** Before each chunk one that does not follow is sent: 416, and a GET tells where to go on. */
  readonly outOfOrder?: boolean;
};

const octets = { "content-type": "application/octet-stream" };

/** The digest of an answer, when it has one, is that of the content. */
export function expectDigest(reply: Reply, digest: string): void {
  expect(reply.headers.get("docker-content-digest")).toBe(digest);
}

function locationOf(reply: Reply): string {
  const location = reply.headers.get("location") ?? "";
  expect(location).not.toBe("");
  return location;
}

/** Begins an upload; where it goes on. */
export async function beginUpload(client: SpecificationClient, repository: string): Promise<string> {
  const begun = await client.send("POST", `/v2/${repository}/blobs/uploads/`);
  expect(begun.status).toBe(202);
  return locationOf(begun);
}

/** Sends a chunk that is not the next one; the upload stays where it was. */
async function sendOutOfOrder(
  client: SpecificationClient,
  location: string,
  bytes: Buffer,
  place: { readonly next: number; readonly chunk: number; readonly digest: string; readonly lastByPut: boolean },
): Promise<string> {
  const { next, chunk, digest, lastByPut } = place;
  const start = next + chunk >= bytes.length ? 0 : next + chunk;
  const end = Math.min(start + chunk, bytes.length);
  const isPut = lastByPut && end === bytes.length;
  const refused = await client.send(isPut ? "PUT" : "PATCH", location, {
    ...(isPut ? { query: { digest } } : {}),
    headers: { ...octets, "content-range": `${start}-${end - 1}` },
    body: bytes.subarray(start, end),
  });
  // The first chunk of all is in order when it begins at 0.
  expect(refused.status).toBe(416);
  const found = await client.send("GET", refused.headers.get("location") ?? location);
  expect(found.status).toBe(204);
  const range = found.headers.get("range") ?? "";
  expect(range).toMatch(/^0-\d+$/);
  if (next > 0) expect(range).toBe(`0-${next - 1}`);
  return found.headers.get("location") ?? location;
}

async function sendChunks(
  client: SpecificationClient,
  repository: string,
  bytes: Buffer,
  digest: string,
  { lastByPut, outOfOrder }: { readonly lastByPut: boolean; readonly outOfOrder: boolean },
): Promise<Reply> {
  let location = await beginUpload(client, repository);
  const chunk = Math.min(Math.max(Math.floor(bytes.length / 3) + 1, 1024), bytes.length);
  for (let next = 0; next < bytes.length; next += chunk) {
    if (outOfOrder) location = await sendOutOfOrder(client, location, bytes, { next, chunk, digest, lastByPut });
    const end = Math.min(next + chunk, bytes.length);
    const part = {
      headers: { ...octets, "content-range": `${next}-${end - 1}` },
      body: bytes.subarray(next, end),
    };
    if (lastByPut && end === bytes.length) return client.send("PUT", location, { ...part, query: { digest } });
    const taken = await client.send("PATCH", location, part);
    expect(taken.status).toBe(202);
    expect(taken.headers.get("range")).toBe(`0-${end - 1}`);
    location = locationOf(taken);
  }
  return client.send("PUT", location, { headers: octets, query: { digest } });
}

async function sendOneWay(
  client: SpecificationClient,
  repository: string,
  bytes: Buffer,
  digest: string,
  way: UploadWay,
  outOfOrder: boolean,
): Promise<Reply> {
  switch (way) {
    case "POST alone":
      return client.send("POST", `/v2/${repository}/blobs/uploads/`, {
        headers: octets,
        query: { digest },
        body: bytes,
      });
    case "POST and PUT": {
      const location = await beginUpload(client, repository);
      return client.send("PUT", location, { headers: octets, query: { digest }, body: bytes });
    }
    case "a stream": {
      const location = await beginUpload(client, repository);
      const taken = await client.send("PATCH", location, { headers: octets, body: bytes, streamed: true });
      expect(taken.status).toBe(202);
      return client.send("PUT", locationOf(taken), { headers: octets, query: { digest } });
    }
    case "chunks":
      return sendChunks(client, repository, bytes, digest, { lastByPut: false, outOfOrder });
    case "chunks, the last by PUT":
      return sendChunks(client, repository, bytes, digest, { lastByPut: true, outOfOrder });
  }
}

/** Pushes a blob in one of the ways, and reads it back from where the registry says it is. */
export async function pushBlob(
  client: SpecificationClient,
  repository: string,
  bytes: Buffer,
  digest: string,
  way: UploadWay = "POST and PUT",
  { isWrong = false, outOfOrder = false }: UploadOptions = {},
): Promise<void> {
  const done = await sendOneWay(client, repository, bytes, digest, way, outOfOrder);
  expect(done.status).toBe(isWrong ? 400 : 201);
  if (isWrong) return;
  expectDigest(done, digest);
  const back = await client.send("GET", locationOf(done));
  expect(back.status).toBe(200);
  expect(back.body.equals(bytes)).toBe(true);
}
