import { errorMessage, delay } from "#base";
import type { Blob } from "../../export/blob.ts";

/** Bytes of a request; more go as several blocks. */
const blockBytes = 8 * 1024 * 1024;
const attempts = 4;

/** One request to a store; `query` is added to the blob's address. */
export type BlobRequest = {
  readonly method: "GET" | "HEAD" | "PUT";
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

/**
 * Sends bytes as a block blob: one Put Blob, or blocks and then their list (Azure's Blob service REST API). A reader sees
 * all of it or nothing.
 */
export async function putBlockBlob(
  send: (request: BlobRequest) => Promise<Response>,
  blob: Pick<Blob, "sizeBytes" | "open">,
  signal: AbortSignal,
): Promise<void> {
  if (blob.sizeBytes <= blockBytes) {
    const body = Buffer.concat(await Array.fromAsync(blob.open()));
    await send({ method: "PUT", headers: { "x-ms-blob-type": "BlockBlob" }, body });
    return;
  }
  const names: string[] = [];
  const put = async (block: Uint8Array) => {
    signal.throwIfAborted();
    // All names of a blob must be as long (Put Block).
    const name = Buffer.from(String(names.length).padStart(8, "0")).toString("base64");
    names.push(name);
    await send({ method: "PUT", query: { comp: "block", blockid: name }, body: block });
  };
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of blob.open()) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < blockBytes) continue;
    await put(Buffer.concat(waiting));
    waiting = [];
    length = 0;
  }
  if (length > 0) await put(Buffer.concat(waiting));
  const list = names.map((name) => `<Latest>${name}</Latest>`).join("");
  const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`);
  await send({ method: "PUT", query: { comp: "blocklist" }, body });
}

/** Sends a request again when the store is overloaded or cannot be reached; throws what the last try came to. */
export async function withTries(
  what: string,
  signal: AbortSignal,
  send: () => Promise<Response>,
  isExpected: (status: number) => boolean = () => false,
): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    let reason: string;
    try {
      const response = await send();
      if (response.ok || isExpected(response.status)) return response;
      reason = `${response.status} ${shorten(await response.text())}`;
      if (response.status < 500 && response.status !== 429 && response.status !== 408) attempt = attempts;
    } catch (error) {
      signal.throwIfAborted();
      reason = errorMessage(error);
    }
    if (attempt >= attempts) throw new Error(`${what}: ${reason}`);
    await delay(100 * 2 ** attempt);
    signal.throwIfAborted();
  }
}

/** What a store says of an error, on one line. */
function shorten(text: string): string {
  const code = /<Code>([^<]{1,80})<\/Code>/.exec(text)?.[1];
  return code ?? text.replace(/\s+/g, " ").trim().slice(0, 200);
}

/** The pieces of an answer. */
export async function* bodyOf(response: Response): AsyncGenerator<Uint8Array> {
  for await (const chunk of response.body ?? []) yield chunk;
}

/** A document of a store, which may be anything: no more than `limit` bytes of it are read. */
export async function readBounded(name: string, source: AsyncIterable<Uint8Array>, limit: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > limit) throw new Error(`${name}: the cache config is too large`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
