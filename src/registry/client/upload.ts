import { createHash } from "node:crypto";
import { delay, type Digest } from "#base";
import { errors } from "../errors.ts";
import { faultsOf, faultText } from "./answer.ts";
import type { RawResponse } from "./connections.ts";
import { isTransient } from "./faults.ts";
import { backOffMs, type Host, resolveLocation } from "./host.ts";

/** Bytes to upload. `open` may be called again, from any byte on, when an upload breaks. */
export type UploadSource = {
  /** Undefined: only known once the bytes have been made (compressed while they are sent). */
  readonly digest?: Digest | undefined;
  readonly sizeBytes?: number | undefined;
  readonly open: () => AsyncIterable<Uint8Array>;
};

/** What has been uploaded. */
export type Uploaded = { readonly digest: Digest; readonly sizeBytes: number };

/** Whether a failed answer may be tried again. */
const transientStatus = (status: number) => status === 408 || status === 429 || status >= 500;

async function refusal(response: RawResponse, what: string): Promise<Error> {
  const why = faultText(await faultsOf(response), response.status);
  if (response.status === 401 || response.status === 403) return errors.registryPushDenied(why);
  if (response.status === 429) return errors.registryRateLimited(why);
  return errors.registryUploadFailed(what, why);
}

/** How many bytes the registry has (distribution-spec: `Range: 0-N`); undefined when it does not say. */
function received(response: RawResponse): number | undefined {
  const match = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.get("range") ?? "");
  return match === null ? undefined : Number(match[1]) + 1;
}

/** Leaves out what the registry has already, but hashes it: the digest is of the whole. */
async function* remaining(
  source: AsyncIterable<Uint8Array>,
  from: number,
  seen: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let skip = from;
  for await (const chunk of source) {
    seen(chunk);
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    yield skip === 0 ? chunk : chunk.subarray(skip);
    skip = 0;
  }
}

/**
 * Uploads a blob: one POST for a session, one PATCH with the bytes, one PUT with the digest. A PATCH that breaks is
 * gone on with where the registry says it is (distribution-spec, "Pushing a blob in chunks"); a registry that does not
 * say starts anew. `onBytes` tells how much of the blob is over there.
 */
export async function uploadBlob(
  host: Host,
  path: string,
  source: UploadSource,
  options: {
    readonly scopes: readonly string[];
    readonly what: string;
    readonly attempts: number;
    readonly backOffMs: number;
    readonly signal?: AbortSignal | undefined;
    readonly onBytes?: ((sentBytes: number) => void) | undefined;
    /** Called once all bytes are over there, before they are made a blob: from now on the registry may have it. */
    readonly onSent?: ((sent: Uploaded) => void) | undefined;
  },
): Promise<Uploaded> {
  const { scopes, what, signal, onBytes, onSent } = options;
  let session: URL | undefined;
  let from = 0;

  const begin = async (): Promise<URL> => {
    const response = await host.send({ method: "POST", target: `v2/${path}/blobs/uploads/`, scopes, signal });
    if (response.status !== 202) throw await refusal(response, what);
    return next(response);
  };
  const next = async (response: RawResponse): Promise<URL> => {
    const location = response.headers.get("location");
    const { url } = response;
    await response.discard();
    if (location === undefined) throw errors.registryUploadFailed(what, "the registry names no place to upload to");
    return resolveLocation(location, url, "POST");
  };

  /** Where an interrupted upload stands; undefined when it is lost. */
  const standing = async (target: URL): Promise<{ readonly url: URL; readonly at: number } | undefined> => {
    const response = await host.send({ method: "GET", target, scopes, signal, repeat: false });
    const at = received(response);
    if (response.status !== 204) {
      await response.discard();
      return undefined;
    }
    const location = response.headers.get("location");
    await response.discard();
    return { url: location === undefined ? target : resolveLocation(location, response.url, "GET"), at: at ?? 0 };
  };

  for (let attempt = 1; ; attempt++) {
    let failure: unknown;
    try {
      session ??= await begin();
      const hash = createHash("sha256");
      let sizeBytes = 0;
      const start = from;
      let sent = from;
      const body = () =>
        remaining(source.open(), start, (chunk) => {
          hash.update(chunk);
          sizeBytes += chunk.length;
        });
      async function* told(): AsyncGenerator<Uint8Array> {
        for await (const chunk of body()) {
          yield chunk;
          sent += chunk.length;
          onBytes?.(sent);
        }
      }
      const length = source.sizeBytes === undefined ? undefined : source.sizeBytes - start;
      const response = await host.send({
        method: "PATCH",
        target: session,
        headers: {
          "Content-Type": "application/octet-stream",
          ...(start > 0 && length !== undefined ? { "Content-Range": `${start}-${start + length - 1}` } : {}),
        },
        body: { kind: "stream", sizeBytes: length, open: told },
        scopes,
        signal,
        repeat: false,
      });
      if (response.status === 202 || response.status === 204) {
        session = await next(response);
        const digest: Digest = `sha256:${hash.digest("hex")}`;
        if (source.digest !== undefined && source.digest !== digest) {
          throw errors.registryDigestMismatch(what, source.digest, digest);
        }
        onSent?.({ digest, sizeBytes });
        session.searchParams.set("digest", digest);
        const done = await host.send({ method: "PUT", target: session, scopes, signal });
        if (done.status !== 201) throw await refusal(done, what);
        await done.discard();
        return { digest, sizeBytes };
      }
      const isTransientAnswer = transientStatus(response.status) || response.status === 416 || response.status === 404;
      failure = await refusal(response, what);
      if (!isTransientAnswer) throw failure;
    } catch (error) {
      signal?.throwIfAborted();
      if (error !== failure && !isTransient(error)) throw error;
      // It may not speak TLS at all: whoever called tries the other way at once.
      if (host.isWrongGuess()) throw error;
      failure = error;
    }
    if (attempt >= options.attempts) throw failure;
    await delay(backOffMs(attempt, options.backOffMs), signal);
    // Bytes that are made anew may differ; only those of a known digest can be gone on with.
    const at =
      session === undefined || source.digest === undefined ? undefined : await standing(session).catch(() => undefined);
    session = at?.url;
    from = at?.at ?? 0;
  }
}
