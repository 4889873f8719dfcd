import { isErrorKind } from "#base";
import type { ContentDigest } from "../digest.ts";
import { serverErrors } from "../errors.ts";
import { isRepositoryName } from "../repositories/keys.ts";
import { readDigest } from "./blobs.ts";
import { errorResponse } from "./error-body.ts";
import type { Endpoint, RegistryCall } from "./parts.ts";
import { parseChunkRange } from "./range.ts";

function uploadHeaders(repository: string, id: string, offset: number): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    // Inclusive, so that nothing and one byte look the same; clients know.
    range: `0-${Math.max(0, offset - 1)}`,
    "docker-upload-uuid": id,
  };
}

function blobCreated(repository: string, digest: ContentDigest): Response {
  return new Response(null, {
    status: 201,
    headers: { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest },
  });
}

function declaredLength(request: Request): number | undefined {
  const text = request.headers.get("content-length");
  return text === null ? undefined : Number(text);
}

/** Adds the request's body; checks what its headers say of it. */
async function appendBody(call: RegistryCall, repository: string, id: string): Promise<number> {
  const { parts, request } = call;
  const header = request.headers.get("content-range");
  const before = await parts.uploads.offsetOf(repository, id);
  let start: number | undefined;
  let end: number | undefined;
  if (header !== null) {
    const range = parseChunkRange(header);
    if (range === undefined) throw serverErrors.servedUploadInvalid(`"${header.slice(0, 80)}" is no range of bytes`);
    const length = declaredLength(request);
    if (length !== undefined && length > 0 && length !== range.end - range.start + 1) {
      throw serverErrors.servedSizeInvalid(`Content-Range ${header} and Content-Length ${length} differ`);
    }
    if (range.start !== before) throw serverErrors.servedUploadOutOfOrder(header, before);
    ({ start, end } = range);
  }
  const offset = await parts.uploads.append(repository, id, {
    body: request.body,
    ...(start === undefined ? {} : { start }),
  });
  if (end !== undefined && offset !== end + 1) {
    throw serverErrors.servedSizeInvalid(`Content-Range ${header}, but ${offset - before} bytes came`);
  }
  parts.metrics.add("berth_registry_received_bytes_total", offset - before);
  return offset;
}

async function finish(call: RegistryCall, repository: string, id: string, digest: ContentDigest): Promise<Response> {
  const { repositories, uploads } = call.parts;
  await uploads.finish(repository, id, digest, (path) => repositories.putBlob(repository, digest, path));
  return blobCreated(repository, digest);
}

/** A chunk at the wrong place is answered with the place it should be at (distribution spec, "Pushing a blob in chunks"). */
async function withPlace(call: RegistryCall, repository: string, id: string, work: () => Promise<Response>) {
  try {
    return await work();
  } catch (error) {
    if (!isErrorKind(error, "precondition")) throw error;
    return errorResponse(error, uploadHeaders(repository, id, await call.parts.uploads.offsetOf(repository, id)));
  }
}

async function mount(call: RegistryCall, repository: string, digest: ContentDigest): Promise<boolean> {
  const from = call.url.searchParams.get("from");
  if (from !== null && !isRepositoryName(from)) throw serverErrors.servedNameInvalid(from.slice(0, 300));
  const { canList, can, mayAskFor } = call.principal;
  // Having the digest is no right to the bytes: the source must be readable. Without a source any repository may give it, if
  // the client could read them all anyway.
  if (!(from === null ? canList : can("pull", from))) {
    if (mayAskFor?.("pull", from ?? undefined) === true) throw serverErrors.servedUnauthorized();
    return false;
  }
  return call.parts.repositories.mountBlob(repository, digest, from ?? undefined);
}

/** `/v2/<name>/blobs/uploads/`: end-4a, end-4b and end-11 of the distribution spec. */
export function uploadsEndpoint(repository: string): Endpoint {
  return {
    POST: async (call) => {
      const { searchParams } = call.url;
      const mountDigest = searchParams.get("mount");
      if (mountDigest !== null) {
        const digest = readDigest(mountDigest);
        if (await mount(call, repository, digest)) return blobCreated(repository, digest);
      }
      const whole = searchParams.get("digest");
      const digest = whole === null ? undefined : readDigest(whole);
      const id = await call.parts.uploads.begin(repository);
      if (digest === undefined) {
        return new Response(null, { status: 202, headers: uploadHeaders(repository, id, 0) });
      }
      try {
        await appendBody(call, repository, id);
      } catch (error) {
        await call.parts.uploads.cancel(repository, id);
        throw error;
      }
      return finish(call, repository, id, digest);
    },
  };
}

/** `/v2/<name>/blobs/uploads/<id>`: end-5, end-6 and end-13 of the distribution spec, and Docker's DELETE. */
export function uploadEndpoint(repository: string, id: string): Endpoint {
  return {
    GET: async ({ parts }) => {
      const offset = await parts.uploads.offsetOf(repository, id);
      return new Response(null, { status: 204, headers: uploadHeaders(repository, id, offset) });
    },
    PATCH: (call) =>
      withPlace(call, repository, id, async () => {
        const offset = await appendBody(call, repository, id);
        return new Response(null, { status: 202, headers: uploadHeaders(repository, id, offset) });
      }),
    PUT: (call) =>
      withPlace(call, repository, id, async () => {
        const digest = readDigest(call.url.searchParams.get("digest") ?? "");
        await appendBody(call, repository, id);
        return finish(call, repository, id, digest);
      }),
    DELETE: async ({ parts }) => {
      await parts.uploads.cancel(repository, id);
      return new Response(null, { status: 204 });
    },
  };
}
