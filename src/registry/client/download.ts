import { createHash } from "node:crypto";
import { delay, type Digest, isDigest } from "#base";
import type { Descriptor } from "#formats";
import { errors } from "../errors.ts";
import { faultsOf, faultText } from "./answer.ts";
import type { RawResponse } from "./connections.ts";
import { requestFailure, withoutQuery } from "./faults.ts";
import { backOffMs } from "./host.ts";

/** Asks for a blob from a byte on; the answer's status is not judged yet. */
export type BlobSource = (from: number) => Promise<RawResponse>;

/** So many new bytes make a broken download worth the full number of tries again. */
const PROGRESS_BYTES = 4 * 1024 * 1024;

/** Where a 206 begins, when it is exactly what was asked for; a range that is not is no good at all. */
function isRangeRight(response: RawResponse, from: number, size: number): boolean {
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (match === null) return false;
  const [, first, last, whole] = match;
  return Number(first) === from && Number(last) === size - 1 && (whole === "*" || Number(whole) === size);
}

/** Leaves out the first bytes of a body. */
async function* withoutFirst(body: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of body) {
    if (left >= chunk.length) {
      left -= chunk.length;
      continue;
    }
    yield left === 0 ? chunk : chunk.subarray(left);
    left = 0;
  }
}

/** The bytes of one answer from `from` on, whatever the server made of the range. */
async function bytesFrom(
  source: BlobSource,
  descriptor: Descriptor,
  from: number,
): Promise<{ readonly url: URL; readonly bytes: AsyncIterable<Uint8Array>; readonly discard: () => Promise<void> }> {
  const { digest, size } = descriptor;
  let response = await source(from);
  if (from > 0 && (response.status === 416 || (response.status === 206 && !isRangeRight(response, from, size)))) {
    // It cannot count. The whole blob again, then, of which the first part is thrown away.
    await response.discard();
    response = await source(0);
    if (response.status === 206) {
      await response.discard();
      throw errors.registryFaulty("GET", withoutQuery(response.url), "answers with ranges nobody asked for");
    }
    return { url: response.url, bytes: withoutFirst(bodyOf(response), from), discard: response.discard };
  }
  if (response.status === 206 && from > 0) {
    return { url: response.url, bytes: response.body, discard: response.discard };
  }
  if (response.status === 206) {
    await response.discard();
    throw errors.registryFaulty("GET", withoutQuery(response.url), "answers with ranges nobody asked for");
  }
  if (response.status !== 200) {
    const why = faultText(await faultsOf(response), response.status);
    if (response.status === 404) throw errors.registryBlobUnknown(digest, response.url.host);
    if (response.status === 429) throw errors.registryRateLimited(why);
    throw errors.registryFaulty("GET", withoutQuery(response.url), why);
  }
  const bytes = bodyOf(response);
  return { url: response.url, bytes: from === 0 ? bytes : withoutFirst(bytes, from), discard: response.discard };

  /** A body whose announced length is not the blob's is refused before a byte of it is read. */
  function bodyOf(answer: RawResponse): AsyncIterable<Uint8Array> {
    const announced = answer.headers.get("content-length");
    const isEncoded = !["", "identity"].includes(answer.headers.get("content-encoding") ?? "");
    if (isEncoded || (announced !== undefined && Number(announced) !== size)) {
      void answer.discard();
      throw errors.registrySizeMismatch(`blob ${digest}`, size, isEncoded ? "an encoded body" : String(announced));
    }
    return answer.body;
  }
}

/**
 * A blob's bytes, verified: exactly as many as the descriptor says, with its digest; otherwise the stream ends in an
 * error. What breaks off goes on where it was, by Range where the server can. Nothing is held in memory.
 */
export async function* downloadBlob(
  source: BlobSource,
  descriptor: Descriptor,
  options: {
    readonly attempts: number;
    readonly backOffMs: number;
    readonly signal?: AbortSignal | undefined;
    /** Called before another try. */
    readonly onRetry?: (() => void) | undefined;
    /** The blob's first bytes, which are here already: they come first, and are verified with the rest. */
    readonly prefix?: AsyncIterable<Uint8Array> | undefined;
  },
): AsyncGenerator<Uint8Array> {
  const { digest, size } = descriptor;
  if (!isDigest(digest)) throw errors.registryDigestUnsupported(String(digest).slice(0, 100));
  const what = `blob ${digest}`;
  const hash = createHash("sha256");
  let received = 0;
  for await (const chunk of options.prefix ?? []) {
    options.signal?.throwIfAborted();
    received += chunk.length;
    if (received > size) throw errors.registrySizeMismatch(what, size, "more");
    hash.update(chunk);
    yield chunk;
  }
  let counted = received;
  for (let attempt = 1; ; attempt++) {
    // All of it was here. (A blob of nothing is asked for all the same: it may not be there.)
    if (received === size && size > 0) break;
    let failure: Error;
    try {
      const { bytes, url } = await bytesFrom(source, descriptor, received);
      try {
        for await (const chunk of bytes) {
          received += chunk.length;
          if (received > size) throw errors.registrySizeMismatch(what, size, "more");
          hash.update(chunk);
          yield chunk;
        }
      } catch (error) {
        options.signal?.throwIfAborted();
        throw requestFailure(error, "GET", url);
      }
      if (received === size) break;
      failure = errors.registrySizeMismatch(what, size, String(received));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!isWorthAnother(error)) throw error;
      failure = error;
    }
    if (received - counted >= PROGRESS_BYTES) {
      counted = received;
      attempt = 0;
    }
    if (attempt >= options.attempts) throw failure;
    options.onRetry?.();
    await delay(backOffMs(Math.max(1, attempt), options.backOffMs), options.signal);
  }
  const actual: Digest = `sha256:${hash.digest("hex")}`;
  if (actual !== digest) throw errors.registryDigestMismatch(what, digest, actual);
}

/** A connection that broke, as opposed to an answer that is wrong. */
function isWorthAnother(error: unknown): error is Error {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "registryUnreachable" || error.code === "registryStalled")
  );
}
