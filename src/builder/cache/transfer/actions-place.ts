import { type Digest, digestOf } from "#base";
import { bodyOf, putBlockBlob, readBounded, withTries } from "./block-blobs.ts";
import { cacheConfigType } from "./cache-config.ts";
import { type CachePlace, documentLimit } from "./places.ts";

/** GitHub's cache service as `type=gha` names it. */
export type ActionsPlaceOptions = {
  /** ACTIONS_RESULTS_URL. */
  readonly url: string;
  /** ACTIONS_RUNTIME_TOKEN. */
  readonly token: string;
  readonly scope: string;
  readonly timeoutMs: number;
  /** Certificates to trust. */
  readonly ca: string | undefined;
};

/** What of the service's entries are ours: it finds only those of the same version. */
const version = digestOf("berth build cache 1").slice("sha256:".length);

type Entry = {
  readonly ok?: boolean;
  readonly url: string | undefined;
  readonly matchedKey: string | undefined;
};

/**
 * GitHub's cache service, version 2: calls in JSON (Twirp) that hand out addresses of block blobs. Its entries never
 * change, so the config is the newest of numbered ones.
 */
export function actionsPlace(options: ActionsPlaceOptions): CachePlace {
  const { scope, ca } = options;
  const name = `GitHub's cache, scope ${scope}`;
  const indexKey = `berth-index-${scope}#`;
  const blobKey = (digest: Digest) => `berth-blob-${digest}`;
  const tls = ca === undefined ? {} : { tls: { ca } };
  const limited = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(options.timeoutMs)]);

  /** A call; undefined when what it is to make is there already. */
  const call = async (method: string, body: object, signal: AbortSignal): Promise<Entry | undefined> => {
    const base = options.url.endsWith("/") ? options.url : `${options.url}/`;
    const response = await withTries(
      name,
      signal,
      () =>
        fetch(`${base}twirp/github.actions.results.api.v1.CacheService/${method}`, {
          method: "POST",
          headers: { Authorization: `Bearer ${options.token}`, "Content-Type": "application/json" },
          body: JSON.stringify({ ...body, version }),
          signal,
          redirect: "error",
          ...tls,
        }),
      (status) => status === 409 || status === 404,
    );
    if (!response.ok) return undefined;
    const answer = JSON.parse(await readBounded(name, bodyOf(response), 1 << 20)) as Record<string, unknown>;
    const text = (...names: string[]) => {
      const found = names.map((each) => answer[each]).find((value) => typeof value === "string" && value !== "");
      return typeof found === "string" ? found : undefined;
    };
    return {
      ok: answer["ok"] === true,
      url: text("signed_upload_url", "signedUploadUrl", "signed_download_url", "signedDownloadUrl"),
      matchedKey: text("matched_key", "matchedKey"),
    };
  };

  const find = async (key: string, prefixes: readonly string[], signal: AbortSignal): Promise<Entry | undefined> => {
    const found = await call("GetCacheEntryDownloadURL", { key, restore_keys: prefixes }, signal);
    return found?.ok === true && found.url !== undefined ? found : undefined;
  };
  const get = async (url: string, signal: AbortSignal) =>
    bodyOf(await withTries(name, signal, () => fetch(url, { signal, ...tls })));

  /** Enters bytes under a key; false when it is taken. */
  const save = async (
    key: string,
    blob: { readonly sizeBytes: number; readonly open: () => AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<boolean> => {
    const created = await call("CreateCacheEntry", { key }, signal);
    if (created?.ok !== true || created.url === undefined) return false;
    const place = created.url;
    await putBlockBlob(
      ({ method, query = {}, headers = {}, body }) =>
        withTries(name, signal, () => {
          const url = new URL(place);
          for (const [each, value] of Object.entries(query)) url.searchParams.set(each, value);
          return fetch(url, { method, headers, signal, ...tls, ...(body === undefined ? {} : { body }) });
        }),
      blob,
      signal,
    );
    const done = await call("FinalizeCacheEntryUpload", { key, size_bytes: String(blob.sizeBytes) }, signal);
    if (done?.ok !== true) throw new Error(`${name}: the upload of ${key} was not taken`);
    return true;
  };

  return {
    name,
    keepsDocuments: true,
    manifest: async (outer) => {
      const signal = limited(outer);
      const found = await find(indexKey, [indexKey], signal);
      if (found?.url === undefined) return undefined;
      return { mediaType: cacheConfigType, text: await readBounded(name, await get(found.url, signal), documentLimit) };
    },
    blob: async function* (digest, _sizeBytes, outer) {
      const signal = limited(outer);
      const found = await find(blobKey(digest), [], signal);
      if (found?.url === undefined) throw new Error(`${name}: ${digest} is not there any more`);
      yield* await get(found.url, signal);
    },
    putBlob: async (blob, outer) => {
      const signal = limited(outer);
      if ((await find(blobKey(blob.digest), [], signal)) !== undefined) return false;
      return save(blobKey(blob.digest), blob, signal);
    },
    putManifest: async ({ text }, outer) => {
      const signal = limited(outer);
      const bytes = Buffer.from(text);
      const document = {
        sizeBytes: bytes.length,
        open: async function* () {
          yield bytes;
        },
      };
      // Another build may take the next number between the question and the answer.
      for (let tries = 0; tries < 10; tries++) {
        const last = await find(indexKey, [indexKey], signal);
        const number = Number(/#(\d+)$/.exec(last?.matchedKey ?? "")?.[1] ?? "0") + 1 + tries;
        if (await save(`${indexKey}${number}`, document, signal)) return digestOf(text);
      }
      throw new Error(`${name}: no number for the index is free`);
    },
  };
}
