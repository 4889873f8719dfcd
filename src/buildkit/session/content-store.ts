import type { Digest } from "#base";
import type { CacheDirectory, LayoutBlobs } from "#builder";
import { GrpcError } from "#grpc";
import { errors } from "../errors.ts";
import {
  contentInfoRequest,
  readContentRequest,
  readContentResponse,
  writeContentRequest,
  writeContentResponse,
} from "../messages/content.ts";
import { nothing } from "../messages/control.ts";
import type { Session } from "./sessions.ts";

/*
 * A client's content stores (containerd.services.content.v1.Content over its session): the OCI layouts it names as
 * contexts, and the one that an output goes to as a directory.
 */

const service = "/containerd.services.content.v1.Content";
const actions = { stat: 0, write: 1, commit: 2 } as const;
const chunkBytes = 1024 * 1024;

/** The header by which clients know which of their stores is meant (session/content). */
function storeMetadata(store: string): ReadonlyMap<string, readonly string[]> {
  return new Map([["buildkit-attachable-store-id", [store]]]);
}

/** An OCI layout of a client's: its blobs by digest, for the client has looked the image's name up. */
export function layoutOf(session: Session, store: string): LayoutBlobs {
  return {
    index: async () => undefined,
    close: () => {},
    blob: async function* (digest, signal) {
      let isStarted = false;
      try {
        for await (const data of readBlob(session, `oci:${store}`, digest, signal)) {
          isStarted = true;
          yield data;
        }
        return;
      } catch (error) {
        if (isStarted || !(error instanceof GrpcError)) throw error;
      }
      // Clients before BuildKit 0.11 have no kinds of stores.
      yield* readBlob(session, store, digest, signal);
    },
  };
}

async function* readBlob(
  session: Session,
  store: string,
  digest: Digest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (!session.offers(`${service}/Read`)) throw errors["session-without"]("OCI layouts");
  const stream = session.client.stream(`${service}/Read`, readContentRequest, readContentResponse, {
    metadata: storeMetadata(store),
    signal: AbortSignal.any([signal, session.signal]),
  });
  await stream.send({ digest });
  stream.finish();
  for await (const { data } of stream.messages) if (data.length > 0) yield data;
}

/** True when a client takes an OCI layout as blobs of a content store, and writes the layout's index itself. */
export function takesBlobs(session: Session): boolean {
  return session.offers(`${service}/Write`);
}

/** A directory of a client's that a `type=local` cache is in; undefined of a client that offers none. */
export function cacheDirectoryOf(session: Session, path: string): CacheDirectory | undefined {
  if (!session.offers(`${service}/Read`) || !session.offers(`${service}/Write`)) return undefined;
  // The prefix of such stores in BuildKit's clients (cache/remotecache/local).
  const store = `local:${path}`;
  return {
    blob: (digest, signal) => readBlob(session, store, digest, signal),
    putBlob: ({ digest, sizeBytes, open }, signal) =>
      sendBlob(session, store, { digest, sizeBytes, chunks: open() }, signal),
  };
}

/** Puts a blob into a store of the client's ("export": the one of its output) and says whether it was not there already. */
export async function sendBlob(
  session: Session,
  store: string,
  blob: { readonly digest: Digest; readonly sizeBytes: number; readonly chunks: AsyncIterable<Uint8Array> },
  signal: AbortSignal,
): Promise<boolean> {
  const options = { metadata: storeMetadata(store), signal: AbortSignal.any([signal, session.signal]) };
  const { digest, sizeBytes } = blob;
  try {
    await session.client.unary(`${service}/Info`, contentInfoRequest, nothing, { digest }, options);
    return false;
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
  }
  const stream = session.client.stream(`${service}/Write`, writeContentRequest, writeContentResponse, options);
  const answers = stream.messages[Symbol.asyncIterator]();
  const ask = async (request: Parameters<typeof stream.send>[0]) => {
    await stream.send(request);
    const { done } = await answers.next();
    if (done === true) throw errors["session-protocol"]("it ended while a blob was written");
  };
  try {
    const ref = `berth-${digest}`;
    await ask({ action: actions.stat, ref, total: sizeBytes, expected: digest });
    let offset = 0;
    for await (const chunk of blob.chunks) {
      for (let at = 0; at < chunk.length; at += chunkBytes) {
        const data = chunk.subarray(at, at + chunkBytes);
        await ask({ action: actions.write, ref, offset, data });
        offset += data.length;
      }
    }
    await ask({ action: actions.commit, ref, total: sizeBytes, expected: digest, offset });
    stream.finish();
    while ((await answers.next()).done !== true);
    return true;
  } catch (error) {
    stream.cancel();
    // Somebody else was faster: the same blob of another output.
    if (error instanceof GrpcError && error.status === "ALREADY_EXISTS") return false;
    throw error;
  }
}
