import { type ContentDigest, isContentDigest } from "../digest.ts";
import { serverErrors } from "../errors.ts";
import type { Endpoint, RegistryCall } from "./parts.ts";
import { parseRange } from "./range.ts";

/** A stream has no length for HTTP, which clients like to know; so much is read before it is sent. */
const READ_WHOLE_BYTES = 1024 * 1024;

/** A digest from outside; throws DIGEST_INVALID. */
export function readDigest(text: string): ContentDigest {
  if (!isContentDigest(text)) {
    throw serverErrors.servedDigestInvalid(`"${text.slice(0, 200)}" is no sha256 or sha512 digest`);
  }
  return text;
}

async function getBlob({ parts, request }: RegistryCall, repository: string, digest: ContentDigest): Promise<Response> {
  const { repositories, mirror, metrics } = parts;
  const isHead = request.method === "HEAD";
  let blob = await repositories.findBlob(repository, digest);
  if (blob === undefined && mirror !== undefined) {
    const fetched = await mirror.blob(repository, digest, request);
    if (fetched instanceof Response) return fetched;
    if (fetched) blob = await repositories.findBlob(repository, digest);
  }
  if (blob === undefined) throw serverErrors.servedBlobUnknown(digest);
  const { sizeBytes } = blob;
  const headers: Record<string, string> = {
    "accept-ranges": "bytes",
    "cache-control": "max-age=31536000, immutable",
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    etag: `"${digest}"`,
    // What is stored came from somebody: no browser may take it for a page of ours.
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
  };
  const matches = request.headers.get("if-none-match");
  if (matches !== null && (matches === "*" || matches.includes(`"${digest}"`))) {
    return new Response(null, { status: 304, headers });
  }
  const conditional = request.headers.get("if-range");
  const range =
    conditional === null || conditional === headers["etag"]
      ? parseRange(request.headers.get("range"), sizeBytes)
      : undefined;
  if (range === "unsatisfiable") {
    const refusal = serverErrors.servedSizeInvalid(`the blob has ${sizeBytes} bytes`);
    return Response.json(
      { errors: [{ code: "SIZE_INVALID", message: refusal.message, detail: null }] },
      { status: 416, headers: { "content-range": `bytes */${sizeBytes}` } },
    );
  }
  const length = range === undefined ? sizeBytes : range.end - range.start + 1;
  headers["content-length"] = String(length);
  if (range !== undefined) headers["content-range"] = `bytes ${range.start}-${range.end}/${sizeBytes}`;
  const status = range === undefined ? 200 : 206;
  if (isHead) return new Response(null, { status, headers });
  const link = repositories.blobLink(digest);
  if (link !== undefined) return new Response(null, { status: 307, headers: { location: link } });
  metrics.add("berth_registry_sent_bytes_total", length);
  if (length === 0) return new Response(null, { status, headers });
  const body = await repositories.blobBody(digest, range);
  const isShortStream = body instanceof ReadableStream && length <= READ_WHOLE_BYTES;
  return new Response(isShortStream ? await new Response(body).bytes() : body, { status, headers });
}

/** `/v2/<name>/blobs/<digest>`: end-2 and end-10 of the distribution spec. */
export function blobEndpoint(repository: string, digestText: string): Endpoint {
  return {
    GET: (call) => getBlob(call, repository, readDigest(digestText)),
    DELETE: async ({ parts }) => {
      const digest = readDigest(digestText);
      await parts.repositories.deleteBlob(repository, digest);
      return new Response(null, { status: 202, headers: { "docker-content-digest": digest } });
    },
  };
}
