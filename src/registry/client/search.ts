import * as v from "valibot";
import type { RegistryCredentials } from "../auth/credentials.ts";
import { errors } from "../errors.ts";
import { faultsOf, faultText, readSmall } from "./answer.ts";
import type { Connections } from "./connections.ts";
import { type Endpoint, endpointsOf } from "./endpoints.ts";
import { isTransient } from "./faults.ts";
import { createHost, type Host, type TokenStore } from "./host.ts";
import type { RegistrySettings } from "./settings.ts";

/** One repository that a search found. */
export type SearchResult = {
  readonly name: string;
  readonly description: string;
  readonly stars: number;
  readonly isOfficial: boolean;
  readonly isAutomated: boolean;
};

/** What to search for, where. */
export type SearchRequest = {
  /** Part of a name, or `HOST[:PORT]/part`. */
  readonly term: string;
  readonly limit: number;
  readonly credentials: RegistryCredentials;
};

const answerSchema = v.object({
  results: v.nullish(
    v.array(
      v.object({
        name: v.string(),
        description: v.nullish(v.string()),
        star_count: v.nullish(v.number()),
        is_official: v.nullish(v.boolean()),
        is_automated: v.nullish(v.boolean()),
      }),
    ),
  ),
});
const catalogSchema = v.object({ repositories: v.nullish(v.array(v.string())) });

const ANSWER_LIMIT = 4 * 1024 * 1024;
/** A catalogue of more pages is not read to its end. */
const MOST_PAGES = 50;

/** What a registry says ends up on terminals. */
function printable(text: string): string {
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f]+/g, " ").slice(0, 1000);
}

function parse<Schema extends v.GenericSchema>(schema: Schema, bytes: Uint8Array): v.InferOutput<Schema> | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(Buffer.from(bytes).toString("utf8")));
    return parsed.success ? parsed.output : undefined;
  } catch {
    // A page for people, where a registry has no search.
    return undefined;
  }
}

/** Docker Hub's search, which others offer too (Docker registry API v1, "Search"). Undefined where there is none. */
async function askSearch(host: Host, term: string, limit: number, signal: AbortSignal | undefined) {
  const query = new URLSearchParams({ q: term, n: String(limit) });
  const response = await host.send({ method: "GET", target: `v1/search?${query.toString()}`, scopes: [], signal });
  if (response.status === 429) throw errors.registryRateLimited(faultText(await faultsOf(response), 429));
  if (response.status !== 200) {
    await response.discard();
    return undefined;
  }
  const answer = parse(answerSchema, await readSmall(response, ANSWER_LIMIT, "the search"));
  return answer?.results?.map((result): SearchResult => ({
    name: printable(result.name),
    description: printable(result.description ?? ""),
    stars: result.star_count ?? 0,
    isOfficial: result.is_official ?? false,
    isAutomated: result.is_automated ?? false,
  }));
}

/** Registries without a search may list all they have. Undefined where they do not. */
async function askCatalog(host: Host, term: string, limit: number, signal: AbortSignal | undefined) {
  const found: SearchResult[] = [];
  let target: string | URL = "v2/_catalog?n=1000";
  for (let page = 0; page < MOST_PAGES && found.length < limit; page++) {
    const response = await host.send({ method: "GET", target, scopes: ["registry:catalog:*"], signal });
    if (response.status !== 200) {
      await response.discard();
      return page === 0 ? undefined : found;
    }
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("link") ?? "")?.[1];
    const { url } = response;
    const catalog = parse(catalogSchema, await readSmall(response, ANSWER_LIMIT, "the catalogue"));
    if (catalog === undefined) return undefined;
    for (const name of catalog.repositories ?? []) {
      if (!name.includes(term.toLowerCase())) continue;
      found.push({ name: printable(name), description: "", stars: 0, isOfficial: false, isAutomated: false });
    }
    if (link === undefined) break;
    target = new URL(link, url);
  }
  return found.slice(0, limit);
}

/** The registry that a term names, as Docker reads it (moby: registry/search.go), and the rest. */
function splitTerm(term: string): { readonly domain: string; readonly rest: string } {
  const slash = term.indexOf("/");
  const first = term.slice(0, Math.max(0, slash));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === "localhost");
  const domain = isHost && first !== "index.docker.io" && first !== "docker.io" ? first : "docker.io";
  const rest = isHost ? term.slice(slash + 1) : term;
  // Official images are asked for by their short names.
  return { domain, rest: domain === "docker.io" ? rest.replace(/^library\//, "") : rest };
}

/** Searches a registry: by its search, else by the list of its repositories. Throws `registrySearchUnsupported` without both. */
export async function searchRegistry(
  parts: { readonly connections: Connections; readonly settings: RegistrySettings; readonly tokens: TokenStore },
  request: SearchRequest,
  signal?: AbortSignal,
): Promise<readonly SearchResult[]> {
  const { domain, rest } = splitTerm(request.term);
  const endpoints: readonly Endpoint[] =
    domain === "docker.io"
      ? [{ url: "https://index.docker.io/", isMirror: false, verify: true }]
      : await endpointsOf(domain, parts.settings, { mirrors: false });
  let failure: unknown;
  for (const endpoint of endpoints) {
    const host = createHost({ ...parts, endpoint, credentials: request.credentials });
    try {
      const results =
        (await askSearch(host, rest, request.limit, signal)) ?? (await askCatalog(host, rest, request.limit, signal));
      if (results === undefined) throw errors.registrySearchUnsupported(domain);
      const prefix = domain === "docker.io" ? "" : `${domain}/`;
      return results.slice(0, request.limit).map((result) => ({ ...result, name: `${prefix}${result.name}` }));
    } catch (error) {
      signal?.throwIfAborted();
      failure ??= error;
      // Without TLS next, where that is allowed.
      if (!isTransient(error)) throw error;
    }
  }
  throw failure;
}
