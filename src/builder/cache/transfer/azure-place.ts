import { createHmac } from "node:crypto";
import { type Digest, digestOf } from "#base";
import { bodyOf, type BlobRequest, putBlockBlob, readBounded, withTries } from "./block-blobs.ts";
import { cacheConfigType } from "./cache-config.ts";
import { type CachePlace, documentLimit } from "./places.ts";

/** A container as `type=azblob` names it. */
export type AzurePlaceOptions = {
  /** https://ACCOUNT.blob.core.windows.net, or with the account in the path; a shared access signature as its query. */
  readonly accountUrl: string;
  readonly accountKey: string | undefined;
  readonly container: string;
  readonly names: readonly string[];
  readonly blobsPrefix: string;
  readonly manifestsPrefix: string;
  /** Certificates to trust. */
  readonly ca: string | undefined;
};

/** The version of the Blob service's REST API that is spoken. */
const version = "2021-12-02";

/** A container of Azure's Blob service, with the names of BuildKit's. It is made when an export finds none. */
export function azurePlace(options: AzurePlaceOptions): CachePlace {
  const { container, names } = options;
  const [first = ""] = names;
  const base = new URL(options.accountUrl);
  const signature = base.search;
  base.search = "";
  const name = `${base.href.replace(/\/$/, "")}/${container}/${first}`;
  let isMade = false;

  const send = async (
    path: string,
    request: BlobRequest,
    signal: AbortSignal,
    isExpected?: (status: number) => boolean,
  ): Promise<Response> => {
    const url = new URL(`${base.href.replace(/\/$/, "")}/${container}${path}${signature}`);
    for (const [key, value] of Object.entries(request.query ?? {})) url.searchParams.set(key, value);
    return withTries(
      name,
      signal,
      () => {
        const headers: Record<string, string> = {
          ...request.headers,
          "x-ms-version": version,
          "x-ms-date": new Date().toUTCString(),
        };
        if (options.accountKey !== undefined) {
          const length = request.body?.length ?? 0;
          headers["Authorization"] = authorization(options.accountKey, request.method, url, headers, length);
        }
        return fetch(url, {
          method: request.method,
          headers,
          signal,
          redirect: "error",
          ...(request.body === undefined ? {} : { body: request.body }),
          ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
        });
      },
      isExpected,
    );
  };
  const isAbsent = (status: number) => status === 404;
  const pathOf = (key: string) => `/${key.split("/").map(encodeURIComponent).join("/")}`;
  const blobPath = (digest: Digest) => pathOf(`${options.blobsPrefix}${digest}`);
  const makeContainer = async (signal: AbortSignal) => {
    if (isMade) return;
    // 409: it is there. 403: a signature for this container alone, which then is there.
    await send(
      "",
      { method: "PUT", query: { restype: "container" } },
      signal,
      (status) => status === 409 || status === 403,
    );
    isMade = true;
  };
  return {
    name,
    keepsDocuments: true,
    manifest: async (signal) => {
      const path = pathOf(`${options.manifestsPrefix}${first}`);
      const response = await send(path, { method: "GET" }, signal, isAbsent);
      if (response.status === 404) return undefined;
      return { mediaType: cacheConfigType, text: await readBounded(name, bodyOf(response), documentLimit) };
    },
    blob: async function* (digest, _sizeBytes, signal) {
      yield* bodyOf(await send(blobPath(digest), { method: "GET" }, signal));
    },
    putBlob: async (blob, signal) => {
      await makeContainer(signal);
      const path = blobPath(blob.digest);
      const known = await send(path, { method: "HEAD" }, signal, isAbsent);
      if (known.ok) return false;
      await putBlockBlob((request) => send(path, request, signal), blob, signal);
      return true;
    },
    putManifest: async ({ text }, signal) => {
      await makeContainer(signal);
      const bytes = Buffer.from(text);
      const document = {
        sizeBytes: bytes.length,
        open: async function* () {
          yield bytes;
        },
      };
      for (const each of names) {
        const path = pathOf(`${options.manifestsPrefix}${each}`);
        await putBlockBlob((request) => send(path, request, signal), document, signal);
      }
      return digestOf(text);
    },
  };
}

/** "Authorize with Shared Key" of the Blob service's documentation; the account is the host's first name, or the path's for addresses. */
function authorization(
  key: string,
  method: string,
  url: URL,
  headers: Readonly<Record<string, string>>,
  length: number,
): string {
  const isNamed = /^[a-z0-9]{3,24}\.(?:[a-z0-9-]+\.)*[a-z]+/.test(url.hostname) && !/^[\d.]+$/.test(url.hostname);
  const account = isNamed ? (url.hostname.split(".")[0] ?? "") : (url.pathname.split("/")[1] ?? "");
  const own = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name]) => name.startsWith("x-ms-"))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`)
    .join("");
  const query = [...url.searchParams]
    .map(([name, value]) => `\n${name.toLowerCase()}:${value}`)
    .sort()
    .join("");
  // Content-Encoding, -Language, Length, MD5, Type, Date, four conditions, Range.
  const standard = ["", "", length === 0 ? "" : String(length), "", "", "", "", "", "", "", ""].join("\n");
  const text = `${method}\n${standard}\n${own}/${account}${url.pathname}${query}`;
  const signed = createHmac("sha256", Buffer.from(key, "base64")).update(text, "utf8").digest("base64");
  return `SharedKey ${account}:${signed}`;
}
