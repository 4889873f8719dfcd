import { serverErrors } from "../errors.ts";
import { isContentDigest } from "../digest.ts";
import { isTag } from "../repositories/keys.ts";
import { readDigest } from "./blobs.ts";
import type { Endpoint, RegistryCall } from "./parts.ts";

/** More tags in one request are refused. */
const MAXIMUM_TAGS = 100;

function readTag(text: string): string {
  if (!isTag(text)) throw serverErrors.servedTagInvalid(text.slice(0, 200));
  return text;
}

/** A tag or a digest from outside. */
function readReference(text: string): string {
  return text.includes(":") ? readDigest(text) : readTag(text);
}

/** As `readReference`, of what is only looked for: under a name that no tag can have there is nothing. */
function readWanted(text: string): string {
  if (!text.includes(":") && !isTag(text)) throw serverErrors.servedManifestUnknown(text.slice(0, 200));
  return readReference(text);
}

async function readLimited(request: Request, limit: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? "0") > limit) throw serverErrors.servedManifestTooLarge(limit);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > limit) throw serverErrors.servedManifestTooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What the client can read, when it says so: a list of media types without their parameters. */
function accepts(request: Request, mediaType: string): boolean {
  const header = request.headers.get("accept");
  if (header === null || header.trim() === "") return true;
  const types = header.split(",").map((part) => part.split(";")[0]?.trim().toLowerCase());
  return types.includes(mediaType.toLowerCase()) || types.includes("*/*") || types.includes("application/*");
}

async function getManifest(call: RegistryCall, repository: string, reference: string): Promise<Response> {
  const { parts, request } = call;
  const { repositories, mirror, metrics } = parts;
  if (mirror !== undefined) await mirror.manifest(repository, reference);
  const found = await repositories.statManifest(repository, reference);
  if (found === undefined) {
    const isKnown = isContentDigest(reference) || (await repositories.exists(repository));
    throw isKnown ? serverErrors.servedManifestUnknown(reference) : serverErrors.servedNameUnknown(repository);
  }
  const headers = {
    "content-length": String(found.sizeBytes),
    "content-type": found.mediaType,
    "docker-content-digest": found.digest,
    etag: `"${found.digest}"`,
    vary: "Accept",
  };
  const matches = request.headers.get("if-none-match");
  if (matches?.includes(found.digest) === true)
    return new Response(null, { status: 304, headers: { etag: headers.etag } });
  if (!accepts(request, found.mediaType)) {
    throw serverErrors.servedManifestUnknown(`${reference} as any of the types accepted (it is ${found.mediaType})`);
  }
  if (request.method === "HEAD") return new Response(null, { headers });
  const manifest = await repositories.findManifest(repository, found.digest);
  if (manifest === undefined) throw serverErrors.servedManifestUnknown(reference);
  metrics.add("berth_registry_sent_bytes_total", manifest.bytes.byteLength);
  return new Response(manifest.bytes, { headers });
}

async function putManifest(call: RegistryCall, repository: string, reference: string): Promise<Response> {
  const { parts, request, url } = call;
  const bytes = await readLimited(request, parts.manifestLimit);
  parts.metrics.add("berth_registry_received_bytes_total", bytes.byteLength);
  const contentType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  const wanted = url.searchParams.get("digest");
  const isDigest = isContentDigest(reference);
  // distribution-spec 1.2: a manifest pushed by digest may be tagged in the same request.
  const wantedTags = isDigest ? url.searchParams.getAll("tag") : [reference];
  if (wantedTags.length > MAXIMUM_TAGS) throw serverErrors.servedTagInvalid(`${wantedTags.length} tags at once`);
  const tags = wantedTags.map(readTag);
  const { digest, document } = await parts.repositories.putManifest(repository, {
    bytes,
    contentType: contentType === "" || contentType === "application/json" ? undefined : contentType,
    tags,
    sparse: parts.acceptsSparse,
    expected: isDigest ? reference : wanted === null ? undefined : readDigest(wanted),
  });
  const headers: Record<string, string> = {
    location: `/v2/${repository}/manifests/${digest}`,
    "docker-content-digest": digest,
  };
  if (document.subject !== undefined) headers["oci-subject"] = document.subject;
  const response = new Response(null, { status: 201, headers });
  if (isDigest) for (const tag of tags) response.headers.append("oci-tag", tag);
  return response;
}

/** `/v2/<name>/manifests/<reference>`: end-3, end-7 and end-9 of the distribution spec. */
export function manifestEndpoint(repository: string, referenceText: string): Endpoint {
  return {
    GET: (call) => getManifest(call, repository, readWanted(referenceText)),
    PUT: (call) => putManifest(call, repository, readReference(referenceText)),
    DELETE: async ({ parts }) => {
      const reference = readReference(referenceText);
      if (isContentDigest(reference)) await parts.repositories.deleteManifest(repository, reference);
      else await parts.repositories.deleteTag(repository, reference);
      return new Response(null, { status: 202 });
    },
  };
}
