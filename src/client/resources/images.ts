import type { ImageDeleteDocument, ImageHistoryDocument, ImageInspect, ImageSummary, JsonMessage } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import { readJsonStream } from "../json-stream.ts";
import type { Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";
import { imagePath } from "./paths.ts";

export type ImagePruneReport = { ImagesDeleted: ImageDeleteDocument[] | null; SpaceReclaimed: number };

/** Some routes take a platform as an OCI object. */
function platformJson(platform: string | undefined): string | undefined {
  if (platform === undefined || platform === "") return undefined;
  const [os, architecture, variant] = platform.split("/");
  return JSON.stringify({ os, architecture, variant });
}

/** One line of a search. */
export type ImageSearchDocument = {
  readonly star_count: number;
  readonly is_official: boolean;
  readonly name: string;
  readonly is_automated: boolean;
  readonly description: string;
};

/** The `/images` routes. Streams yield the daemon's progress records; a failure is a record with `errorDetail`. */
export function createImages(transport: Transport) {
  return {
    async list(
      options: CallOptions & {
        readonly all?: boolean;
        readonly digests?: boolean;
        readonly sharedSize?: boolean;
        /** What each image has for each platform, where the daemon keeps several. */
        readonly manifests?: boolean;
        readonly filters?: Filters | undefined;
      } = {},
    ): Promise<ImageSummary[]> {
      const query = {
        all: options.all,
        digests: options.digests,
        filters: encodeFilters(options.filters),
        manifests: options.manifests,
        "shared-size": options.sharedSize,
      };
      return (await transport.request("GET", "/images/json", { query, signal: options.signal })).json();
    },

    async inspect(
      name: string,
      options: CallOptions & { readonly platform?: string | undefined } = {},
    ): Promise<ImageInspect> {
      const request = { query: { platform: options.platform }, signal: options.signal };
      return (await transport.request("GET", `/images/${imagePath(name)}/json`, request)).json();
    },

    async history(
      name: string,
      options: CallOptions & { readonly platform?: string | undefined } = {},
    ): Promise<ImageHistoryDocument[]> {
      const request = { query: { platform: options.platform }, signal: options.signal };
      return (await transport.request("GET", `/images/${imagePath(name)}/history`, request)).json();
    },

    async tag(name: string, target: { repository: string; tag: string }, options: CallOptions = {}): Promise<void> {
      const query = { repo: target.repository, tag: target.tag };
      const path = `/images/${imagePath(name)}/tag`;
      await (await transport.request("POST", path, { query, signal: options.signal })).text();
    },

    async remove(
      name: string,
      options: CallOptions & {
        readonly force?: boolean;
        readonly keepParents?: boolean;
        readonly platforms?: readonly string[];
      } = {},
    ): Promise<ImageDeleteDocument[]> {
      const query = { force: options.force, noprune: options.keepParents, platforms: options.platforms };
      return (
        await transport.request("DELETE", `/images/${imagePath(name)}`, { query, signal: options.signal })
      ).json();
    },

    async prune(filters?: Filters, options: CallOptions = {}): Promise<ImagePruneReport> {
      const query = { filters: encodeFilters(filters) };
      return (await transport.request("POST", "/images/prune", { query, signal: options.signal })).json();
    },

    async *load(
      tar: AsyncIterable<Uint8Array>,
      options: CallOptions & { readonly quiet?: boolean; readonly platform?: string | undefined } = {},
    ): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", "/images/load", {
        // An absent `quiet` means quiet to the daemon.
        query: { platform: options.platform, quiet: options.quiet === true ? "1" : "0" },
        stream: tar,
        headers: { "Content-Type": "application/x-tar" },
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    async save(
      names: readonly string[],
      options: CallOptions & { readonly platform?: string | undefined } = {},
    ): Promise<AsyncIterable<Uint8Array>> {
      const query = { names, platform: options.platform };
      return (await transport.request("GET", "/images/get", { query, signal: options.signal })).body;
    },

    /** Makes an image from a root file system: a tar stream, or `source` as a URL the daemon fetches. */
    async *importTar(
      source: AsyncIterable<Uint8Array> | string,
      options: CallOptions & {
        readonly reference?: string | undefined;
        readonly message?: string | undefined;
        readonly platform?: string | undefined;
        readonly changes?: readonly string[];
      } = {},
    ): AsyncGenerator<JsonMessage, void> {
      const query = {
        changes: options.changes,
        fromSrc: typeof source === "string" ? source : "-",
        message: options.message,
        platform: options.platform,
        repo: options.reference,
      };
      const response = await transport.request("POST", "/images/create", {
        query,
        ...(typeof source !== "string" && { stream: source, headers: { "Content-Type": "text/plain" } }),
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    async *pull(
      target: { repository: string; tag: string },
      options: CallOptions & { readonly platform?: string | undefined; readonly registryAuth?: string } = {},
    ): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", "/images/create", {
        query: { fromImage: target.repository, platform: options.platform, tag: target.tag },
        headers: { "X-Registry-Auth": options.registryAuth ?? "e30=" },
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    async *push(
      target: { repository: string; tag: string },
      options: CallOptions & {
        readonly registryAuth?: string;
        readonly platform?: string | undefined;
        readonly compression?: string | undefined;
      } = {},
    ): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", `/images/${imagePath(target.repository)}/push`, {
        query: { tag: target.tag, platform: platformJson(options.platform), compression: options.compression },
        headers: { "X-Registry-Auth": options.registryAuth ?? "e30=" },
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    /** Repositories of a registry whose name has the term in it. */
    async search(
      term: string,
      options: CallOptions & {
        readonly limit?: number | undefined;
        readonly filters?: Filters | undefined;
        readonly registryAuth?: string | undefined;
      } = {},
    ): Promise<ImageSearchDocument[]> {
      const query = { term, limit: options.limit, filters: encodeFilters(options.filters) };
      const headers: Record<string, string> = {};
      if (options.registryAuth !== undefined) headers["X-Registry-Auth"] = options.registryAuth;
      return (await transport.request("GET", "/images/search", { query, headers, signal: options.signal })).json();
    },

    /** Makes a base image from this distribution's own packages, for machines that reach no registry. */
    async *bootstrap(
      request: {
        readonly reference: string;
        readonly as?: string | undefined;
        readonly suite?: string | undefined;
        readonly platform?: string | undefined;
        readonly refresh?: boolean;
      },
      options: CallOptions = {},
    ): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", "/images/bootstrap", {
        area: "berth",
        json: request,
        signal: options.signal,
      });
      yield* readJsonStream<JsonMessage>(response.body);
    },
  };
}
