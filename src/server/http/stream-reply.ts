import { once } from "node:events";
import type { ServerResponse } from "node:http";

/** Sends status and headers now, before there is any body: clients of streams wait for them. */
export function openStream(
  response: ServerResponse,
  contentType: string,
  headers: readonly (readonly [string, string])[] = [],
): void {
  response.statusCode = 200;
  response.setHeader("Content-Type", contentType);
  for (const [name, value] of headers) response.setHeader(name, value);
  response.flushHeaders();
}

/** True once nobody can read the answer any more. */
export function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.closed || response.socket?.destroyed === true;
}

/** Resolves when the client has taken what was written, or has gone. */
export async function drained(response: ServerResponse): Promise<void> {
  if (isGone(response) || !response.writableNeedDrain) return;
  const stop = new AbortController();
  try {
    await Promise.race([
      once(response, "drain", { signal: stop.signal }),
      once(response, "close", { signal: stop.signal }),
    ]);
  } catch {
    // An error of the response is a client that left; `isGone` says so to the caller.
  } finally {
    stop.abort();
  }
}

/** Writes a whole source at the client's pace; stops the source when the client leaves. Does not end the answer. */
export async function pump(response: ServerResponse, source: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  const gone = Promise.withResolvers<undefined>();
  const onClose = () => gone.resolve(undefined);
  response.once("close", onClose);
  try {
    while (!isGone(response)) {
      const step = await Promise.race([iterator.next(), gone.promise]);
      if (step === undefined) break;
      if (step.done === true) return;
      if (!response.write(step.value)) await drained(response);
    }
    // Not awaited: a source that waits for something that never comes must not keep this call alive.
    iterator.return?.()?.catch(() => {});
  } finally {
    response.off("close", onClose);
  }
}

/** Collects small writes of one turn of the event loop into few packets; `flush` at the end. */
export function coalesced(response: ServerResponse): {
  write(chunk: Uint8Array): Promise<void> | undefined;
  flush(): void;
} {
  let pending: Uint8Array[] = [];
  let size = 0;
  let scheduled = false;
  const flush = () => {
    scheduled = false;
    if (size === 0 || isGone(response)) return;
    const chunk = pending.length === 1 ? (pending[0] as Uint8Array) : Buffer.concat(pending, size);
    pending = [];
    size = 0;
    response.write(chunk);
  };
  return {
    write(chunk) {
      pending.push(chunk);
      size += chunk.length;
      if (size >= 65_536) flush();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
      return response.writableNeedDrain ? drained(response) : undefined;
    },
    flush,
  };
}
