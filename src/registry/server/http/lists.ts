import { mediaTypes } from "#formats";
import { serverErrors } from "../errors.ts";
import { lexically } from "../repositories/repositories.ts";
import { readDigest } from "./blobs.ts";
import { cutPage, nextLink } from "./page.ts";
import type { Endpoint } from "./parts.ts";

/** `/v2/<name>/tags/list`: end-8a and end-8b of the distribution spec. */
export function tagsEndpoint(repository: string): Endpoint {
  return {
    GET: async ({ parts, url }) => {
      if (!(await parts.repositories.exists(repository))) throw serverErrors.servedNameUnknown(repository);
      const page = cutPage(await parts.repositories.tags(repository), url.searchParams, lexically);
      return Response.json(
        { name: repository, tags: page.entries },
        { headers: nextLink(url.pathname, page, url.searchParams) },
      );
    },
  };
}

/** `/v2/_catalog`: Docker's list of repositories, of which each client sees those it may pull from. */
export const catalogEndpoint: Endpoint = {
  GET: async ({ parts, principal, url }) => {
    const names = (await parts.repositories.list()).filter((name) => principal.can("pull", name));
    const page = cutPage(names, url.searchParams, (left, right) => (left < right ? -1 : left > right ? 1 : 0));
    return Response.json({ repositories: page.entries }, { headers: nextLink(url.pathname, page, url.searchParams) });
  },
};

/** `/v2/<name>/referrers/<digest>`: end-12a and end-12b of the distribution spec. */
export function referrersEndpoint(repository: string, digestText: string): Endpoint {
  return {
    GET: async ({ parts, url }) => {
      const subject = readDigest(digestText);
      const wanted = url.searchParams.get("artifactType");
      const all = await parts.repositories.referrers(repository, subject);
      const manifests = wanted === null ? all : all.filter((descriptor) => descriptor.artifactType === wanted);
      return new Response(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }), {
        headers: {
          "content-type": mediaTypes.ociIndex,
          ...(wanted === null ? {} : { "oci-filters-applied": "artifactType" }),
        },
      });
    },
  };
}

/** `/v1/search?q=&n=`: what `docker search HOST/TERM` asks (Docker registry API v1, "Search"). */
export const searchEndpoint: Endpoint = {
  GET: async ({ parts, principal, url }) => {
    const term = (url.searchParams.get("q") ?? "").toLowerCase();
    const limit = Math.min(Math.max(1, Number(url.searchParams.get("n")) || 25), 100);
    const names = (await parts.repositories.list()).filter(
      (name) => name.includes(term) && principal.can("pull", name),
    );
    const results = names.slice(0, limit).map((name) => ({
      name,
      description: "",
      star_count: 0,
      is_official: false,
      is_automated: false,
      is_trusted: false,
    }));
    return Response.json({ query: term, num_results: names.length, num_pages: 1, page: 1, page_size: limit, results });
  },
};
