import * as v from "valibot";
import { type Digest, digestOf, EngineError, isDigest } from "#base";
import { type Descriptor, familiarRepository } from "#formats";
import type { RegistryCredentials } from "../auth/credentials.ts";
import { errors } from "../errors.ts";
import { faultsOf, faultText, readSmall, type RegistryFault } from "./answer.ts";
import type { Connections, RawResponse } from "./connections.ts";
import { downloadBlob } from "./download.ts";
import { endpointsOf } from "./endpoints.ts";
import { isTransient } from "./faults.ts";
import { createHost, type Host, type TokenStore } from "./host.ts";
import { MANIFEST_LIMIT, manifestMediaTypes } from "./manifest.ts";
import type { RegistrySettings } from "./settings.ts";
import { uploadBlob, type Uploaded, type UploadSource } from "./upload.ts";

/** A manifest's bytes, verified where a digest was asked for. */
export type RemoteManifest = {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** As the registry says; see `parseManifest`. */
  readonly mediaType: string;
};

/** A repository of a registry, as one user. Every call takes a signal that ends it at once. */
export type RemoteRepository = {
  /** Fully qualified: "docker.io/library/debian". */
  readonly name: string;
  /** The manifest of a tag or digest; throws `registryManifestUnknown`, `registryAccessDenied`, … */
  manifest(reference: string, signal?: AbortSignal): Promise<RemoteManifest>;
  /** Digest of a tag's manifest without its bytes; undefined when the registry does not say. */
  digestOf(reference: string, signal?: AbortSignal): Promise<Digest | undefined>;
  /** A blob's bytes; the stream ends in an error unless size and digest are right. */
  blob(
    descriptor: Descriptor,
    options?: {
      readonly signal?: AbortSignal | undefined;
      readonly onRetry?: () => void;
      /** Its first bytes, from an earlier try; the rest is asked for by Range. */
      readonly prefix?: AsyncIterable<Uint8Array> | undefined;
    },
  ): AsyncGenerator<Uint8Array>;
  /** All tags. */
  tags(signal?: AbortSignal): Promise<readonly string[]>;
  /** What refers to a manifest, as the registry or, where it knows no referrers, the tag in their place says. */
  referrers(digest: Digest, signal?: AbortSignal): Promise<readonly Descriptor[]>;
  hasBlob(digest: Digest, signal?: AbortSignal): Promise<boolean>;
  /** Takes a blob over from another repository of the same registry; false when that one has none for us. */
  mountBlob(digest: Digest, from: string, signal?: AbortSignal): Promise<boolean>;
  upload(
    source: UploadSource,
    options: {
      readonly signal?: AbortSignal | undefined;
      readonly onBytes?: (sentBytes: number) => void;
      /** Called before the last step: whatever happens to us, the registry may have the blob from then on. */
      readonly onSent?: (sent: Uploaded) => void;
    },
  ): Promise<Uploaded>;
  /** Stores a manifest under a tag, or under its digest when `tag` is undefined. */
  putManifest(
    manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
    tag: string | undefined,
    signal?: AbortSignal,
  ): Promise<Digest>;
};

/** Registries that were found to speak plain HTTP, with `performance.now()` until which that is believed. */
export type PlainHosts = Map<string, number>;

const PLAIN_MS = 5 * 60_000;

const tagsSchema = v.object({ name: v.nullish(v.string()), tags: v.nullish(v.array(v.string())) });
const referrersSchema = v.object({
  manifests: v.array(
    v.object({
      mediaType: v.string(),
      digest: v.string(),
      size: v.number(),
      artifactType: v.optional(v.string()),
    }),
  ),
});

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}

const TAGS_LIMIT = 8 * 1024 * 1024;
const MOST_TAGS = 100_000;
const MOST_PAGES = 1000;

/** What an answer without success means for somebody who reads. */
function readFailure(name: string, reference: string, response: RawResponse, faults: readonly RegistryFault[]): Error {
  const why = faultText(faults, response.status);
  const repository = familiarRepository(name);
  const full = `${repository}${isDigest(reference) ? "@" : ":"}${reference}`;
  const code = faults[0]?.code;
  if (response.status === 401 || response.status === 403 || code === "DENIED" || code === "UNAUTHORIZED") {
    return errors.registryAccessDenied(repository, why);
  }
  if (response.status === 429) return errors.registryRateLimited(why);
  if (code === "NAME_UNKNOWN") return errors.registryRepositoryUnknown(repository, why);
  if (response.status === 404)
    return errors.registryManifestUnknown(full, faults.length === 0 ? "manifest unknown" : why);
  return errors.registryAnswer(why);
}

/** Opens a repository; nothing is sent before the first call. */
export function openRepository(parts: {
  readonly name: string;
  readonly credentials: RegistryCredentials;
  readonly connections: Connections;
  readonly settings: RegistrySettings;
  readonly tokens: TokenStore;
  readonly plainHosts: PlainHosts;
  readonly access: "pull" | "push";
  /** Repositories that blobs may be mounted from, for the token. */
  readonly mountFrom?: readonly string[] | undefined;
  /** This registry may speak plain HTTP or show a certificate nobody knows, whatever the settings say. @default false */
  readonly insecure?: boolean | undefined;
}): RemoteRepository {
  const { name, access } = parts;
  const slash = name.indexOf("/");
  const domain = name.slice(0, slash);
  const settings: RegistrySettings =
    parts.insecure === true
      ? { ...parts.settings, insecureRegistries: [...parts.settings.insecureRegistries, domain] }
      : parts.settings;
  const path = name.slice(slash + 1);
  const attempts = settings.attempts ?? 5;
  const firstPauseMs = settings.backOffMs ?? 250;
  const scopes = [
    `repository:${path}:${access === "push" ? "pull,push" : "pull"}`,
    ...(parts.mountFrom ?? []).map((other) => `repository:${other}:pull`),
  ];
  let found: Promise<Host[]> | undefined;
  /** The endpoint that answered last goes first; those before it have failed. */
  let preferred = 0;

  const hosts = () =>
    (found ??= endpointsOf(domain, settings, { mirrors: access === "pull" }).then((endpoints) =>
      endpoints.map((endpoint) =>
        createHost({
          endpoint,
          // A mirror is somebody else: it gets no password of the registry.
          credentials: endpoint.isMirror ? {} : parts.credentials,
          connections: parts.connections,
          settings,
          tokens: parts.tokens,
        }),
      ),
    ));

  /** Tries the endpoints in turn. A mirror may fail in any way; of the registry itself, only TLS may. */
  const anywhere = async <T>(signal: AbortSignal | undefined, work: (host: Host) => Promise<T>): Promise<T> => {
    const all = await hosts();
    // An insecure registry without TLS is not asked for it every time.
    const last = all.length - 1;
    const isPair = last === 1 && all[0]?.endpoint.isMirror === false;
    if (preferred === 0 && isPair && (parts.plainHosts.get(domain) ?? 0) > performance.now()) preferred = last;
    let first: unknown;
    for (let index = preferred; index < all.length; index++) {
      const host = all[index] as Host;
      try {
        const result = await work(host);
        preferred = index;
        // A mirror without TLS says nothing of the registry.
        if (!host.endpoint.isMirror && host.endpoint.url.startsWith("http:")) {
          parts.plainHosts.set(domain, performance.now() + PLAIN_MS);
        }
        return result;
      } catch (error) {
        signal?.throwIfAborted();
        parts.plainHosts.delete(domain);
        const next = all[index + 1];
        const isDowngrade =
          next !== undefined && host.endpoint.url.startsWith("https:") && next.endpoint.url.startsWith("http:");
        if (next === undefined || !(host.endpoint.isMirror || (isDowngrade && isTransient(error)))) {
          // Where nobody listens the two ways fail alike; otherwise the way that got further tells more.
          throw first !== undefined && isRefused(error) && !isRefused(first) ? first : error;
        }
        if (!host.endpoint.isMirror) first = error;
      }
    }
    throw first;
  };

  const getManifest = (reference: string, signal: AbortSignal | undefined) =>
    anywhere(signal, async (host): Promise<RemoteManifest> => {
      const response = await host.send({
        method: "GET",
        target: `v2/${path}/manifests/${reference}`,
        headers: { Accept: acceptHeader },
        scopes,
        signal,
      });
      if (response.status !== 200) throw readFailure(name, reference, response, await faultsOf(response));
      const mediaType = response.headers.get("content-type") ?? "";
      const bytes = await readSmall(response, MANIFEST_LIMIT, "the manifest");
      const digest = digestOf(bytes);
      if (isDigest(reference) && digest !== reference) {
        throw errors.registryDigestMismatch(`manifest of ${familiarRepository(name)}@${reference}`, reference, digest);
      }
      return { digest, bytes, mediaType };
    });

  return {
    name,
    manifest: getManifest,
    digestOf: (reference, signal) =>
      anywhere(signal, async (host) => {
        const response = await host.send({
          method: "HEAD",
          target: `v2/${path}/manifests/${reference}`,
          headers: { Accept: acceptHeader },
          scopes,
          signal,
        });
        const digest = response.headers.get("docker-content-digest") ?? "";
        await response.discard();
        // An answer to HEAD has no words; asking for the manifest itself gets them.
        return response.status === 200 && isDigest(digest) ? digest : undefined;
      }),
    blob: (descriptor, options = {}) => {
      const { signal, onRetry, prefix } = options;
      const source = (from: number) =>
        anywhere(signal, async (host) => {
          const response = await host.send({
            method: "GET",
            target: `v2/${path}/blobs/${descriptor.digest}`,
            headers: {
              "Accept-Encoding": "identity",
              ...(from === 0 ? {} : { Range: `bytes=${from}-${descriptor.size - 1}` }),
            },
            scopes,
            signal,
          });
          const isGone = response.status !== 200 && response.status !== 206 && response.status !== 416;
          if (!isGone || !(host.endpoint.isMirror || descriptor.urls !== undefined)) return response;
          if (host.endpoint.isMirror) {
            await response.discard();
            throw errors.registryBlobUnknown(descriptor.digest, response.url.host);
          }
          // A foreign layer: the registry need not have it, the places it names do.
          return (await fromElsewhere(host, descriptor, from, signal)) ?? response;
        });
      return downloadBlob(source, descriptor, { attempts, backOffMs: firstPauseMs, signal, onRetry, prefix });
    },
    tags: (signal) =>
      anywhere(signal, async (host) => {
        const tags: string[] = [];
        let target: string | URL = `v2/${path}/tags/list?n=1000`;
        for (let page = 0; page < MOST_PAGES; page++) {
          const response: RawResponse = await host.send({ method: "GET", target, scopes, signal });
          if (response.status !== 200) throw readFailure(name, "", response, await faultsOf(response));
          const bytes = await readSmall(response, TAGS_LIMIT, "the list of tags");
          let document: unknown;
          try {
            document = JSON.parse(bytes.toString("utf8"));
          } catch {
            throw errors.registryAnswer(`the list of tags of ${familiarRepository(name)} is not JSON`);
          }
          const parsed = v.safeParse(tagsSchema, document);
          if (!parsed.success)
            throw errors.registryAnswer(`the list of tags of ${familiarRepository(name)} is malformed`);
          tags.push(...(parsed.output.tags ?? []).filter((tag) => /^\w[\w.-]{0,127}$/.test(tag)));
          const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
          if (link === undefined || tags.length > MOST_TAGS) break;
          target = new URL(link, response.url);
        }
        return [...new Set(tags)].sort();
      }),
    referrers: (digest, signal) =>
      anywhere(signal, async (host) => {
        // distribution-spec, "Unavailable Referrers API": the tag schema.
        for (const target of [`v2/${path}/referrers/${digest}`, `v2/${path}/manifests/${digest.replace(":", "-")}`]) {
          const headers = { Accept: "application/vnd.oci.image.index.v1+json" };
          const response = await host.send({ method: "GET", target, headers, scopes, signal });
          if (response.status === 404 || response.status === 405) {
            await response.discard();
            continue;
          }
          if (response.status !== 200) throw readFailure(name, digest, response, await faultsOf(response));
          const parsed = v.safeParse(
            referrersSchema,
            parseJson(await readSmall(response, MANIFEST_LIMIT, "referrers")),
          );
          if (!parsed.success)
            throw errors.registryAnswer(`the referrers of ${familiarRepository(name)} are malformed`);
          return parsed.output.manifests.flatMap(({ digest: referrer, ...rest }) =>
            isDigest(referrer) ? [{ digest: referrer, ...rest }] : [],
          );
        }
        return [];
      }),
    hasBlob: (digest, signal) =>
      anywhere(signal, async (host) => {
        const response = await host.send({ method: "HEAD", target: `v2/${path}/blobs/${digest}`, scopes, signal });
        await response.discard();
        if (response.status === 401 || response.status === 403) {
          throw errors.registryPushDenied(
            response.status === 401
              ? "unauthorized: authentication required"
              : "denied: requested access to the resource is denied",
          );
        }
        return response.status === 200;
      }),
    mountBlob: (digest, from, signal) =>
      anywhere(signal, async (host) => {
        const query = new URLSearchParams({ mount: digest, from });
        const response = await host.send({
          method: "POST",
          target: `v2/${path}/blobs/uploads/?${query.toString()}`,
          scopes,
          signal,
        });
        const location = response.headers.get("location");
        const { status, url } = response;
        await response.discard();
        if (status === 201) return true;
        if (status === 202 && location !== undefined) {
          // It began an upload instead; ours comes by another door, so this one is closed.
          const target = new URL(location, url);
          const ended = await host
            .send({ method: "DELETE", target, scopes, signal, repeat: false })
            .catch(() => undefined);
          await ended?.discard();
        }
        return false;
      }),
    upload: (source, { signal, onBytes, onSent }) =>
      anywhere(signal, (host) =>
        uploadBlob(host, path, source, {
          scopes,
          what: source.digest === undefined ? `a layer to ${familiarRepository(name)}` : `blob ${source.digest}`,
          attempts,
          backOffMs: firstPauseMs,
          signal,
          onBytes,
          onSent,
        }),
      ),
    putManifest: ({ bytes, mediaType }, tag, signal) =>
      anywhere(signal, async (host) => {
        const digest = digestOf(bytes);
        const response = await host.send({
          method: "PUT",
          target: `v2/${path}/manifests/${tag ?? digest}`,
          headers: { "Content-Type": mediaType },
          body: { kind: "bytes", bytes },
          scopes,
          signal,
        });
        if (response.status !== 201 && response.status !== 200 && response.status !== 202) {
          const why = faultText(await faultsOf(response), response.status);
          if (response.status === 401 || response.status === 403) throw errors.registryPushDenied(why);
          throw errors.registryUploadFailed(`the manifest of ${familiarRepository(name)}`, why);
        }
        await response.discard();
        return digest;
      }),
  };

  async function fromElsewhere(
    host: Host,
    descriptor: Descriptor,
    from: number,
    signal: AbortSignal | undefined,
  ): Promise<RawResponse | undefined> {
    for (const text of (descriptor.urls ?? []).slice(0, 10)) {
      if (!/^https?:\/\//.test(text) || !URL.canParse(text)) continue;
      const target = new URL(text);
      // The registry's own host would get the credentials; a place named by a manifest must not.
      if (target.host === new URL(host.endpoint.url).host) continue;
      const headers: Record<string, string> = from === 0 ? {} : { Range: `bytes=${from}-${descriptor.size - 1}` };
      const response = await host
        .send({ method: "GET", target, headers, scopes: [], signal })
        .catch((error: unknown) => {
          signal?.throwIfAborted();
          if (!(error instanceof EngineError)) throw error;
        });
      if (response === undefined) continue;
      if (response.status === 200 || response.status === 206) return response;
      await response.discard();
    }
    return undefined;
  }
}

const acceptHeader = [...manifestMediaTypes, "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1"].join(
  ", ",
);

function isRefused(error: unknown): boolean {
  return error instanceof Error && /connection refused|no such host|i\/o timeout/.test(error.message);
}
