import type { IncomingMessage } from "node:http";
import * as v from "valibot";
import { decodeRegistryAuth } from "#registry";
import { createRecords } from "../http/json-records.ts";
import { jsonReply, jsonRoute, route, type Route } from "../http/route.ts";
import { filters, flag, integer, text } from "../http/query.ts";
import type { ServerParts } from "../parts.ts";
import { serverErrors } from "../errors.ts";
import { joinReference } from "./images.ts";
import { reportTo } from "./progress.ts";

function credentialsOf(request: Pick<IncomingMessage, "headers">) {
  const header = request.headers["x-registry-auth"];
  return decodeRegistryAuth(typeof header === "string" ? header : undefined);
}

/** `POST /images/create?fromImage=`: the stream opens with the first record, so that an unknown image is a 404. */
export async function pullInto(
  { engine }: ServerParts,
  call: { readonly request: IncomingMessage; readonly signal: AbortSignal },
  records: ReturnType<typeof createRecords>,
  query: { readonly fromImage: string; readonly tag: string | undefined; readonly platform: string | undefined },
): Promise<void> {
  // A tag of its own takes the place of one in the name (moby: image_routes.go, postImagesCreate).
  const bare = query.tag === undefined ? query.fromImage : withoutTag(query.fromImage);
  const reference = joinReference(bare, query.tag) ?? bare;
  try {
    await engine.images.pull(
      {
        reference,
        allTags: query.tag === undefined,
        platform: query.platform,
        credentials: credentialsOf(call.request),
      },
      reportTo(records),
      call.signal,
    );
    records.end();
  } catch (error) {
    if (!call.signal.aborted) records.fail(error);
  }
}

function withoutTag(name: string): string {
  return name.replace(/@.*$/, "").replace(/:[^:/]*$/, "");
}

/** `push` takes its platform as an OCI object, which older clients did not send at all. */
function platformText(value: string | undefined): string | undefined {
  if (value === undefined || !value.trimStart().startsWith("{")) return value;
  let document: unknown;
  try {
    document = JSON.parse(value);
  } catch {
    throw serverErrors["invalid-parameter"]("platform", value, "an OCI platform as JSON");
  }
  const { os, architecture, variant } = document as Record<string, unknown>;
  const parts = [os, architecture, variant].filter((part) => typeof part === "string" && part !== "");
  return parts.join("/");
}

const nullableText = v.nullish(v.string());
const authBody = v.object({
  username: nullableText,
  password: nullableText,
  serveraddress: nullableText,
  identitytoken: nullableText,
  registrytoken: nullableText,
});

/** Registries: push, what a name stands for there, logging in. */
export const registryRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/images/{name...}/push",
    query: { tag: text(), platform: text(), compression: text(), "all-tags": flag() },
    async handle({ parts: { engine }, params: { name = "" }, query, request, response, signal }) {
      const { compression } = query;
      if (compression !== undefined && compression !== "gzip" && compression !== "zstd") {
        throw serverErrors["invalid-parameter"]("compression", compression, "gzip or zstd");
      }
      const records = createRecords(response);
      try {
        await engine.images.push(
          {
            // Very old clients put the tag into the name.
            repository: query.tag === undefined ? name : withoutTag(name),
            tag: query.tag,
            credentials: credentialsOf(request),
            compression,
            platform: platformText(query.platform),
          },
          reportTo(records),
          signal,
        );
        records.end();
      } catch (error) {
        if (!signal.aborted) records.fail(error);
      }
    },
  }),
  route({
    method: "GET",
    path: "/distribution/{name...}/json",
    since: 30,
    async handle({ parts: { engine }, params: { name = "" }, request, signal }) {
      const { descriptor, platforms } = await engine.images.distribution(name, credentialsOf(request), signal);
      return jsonReply({ Descriptor: descriptor, Platforms: platforms });
    },
  }),
  route({
    method: "GET",
    path: "/images/search",
    query: { term: text(), limit: integer(), filters: filters(["is-automated", "is-official", "stars"]) },
    async handle({ parts: { engine }, query, request, signal }) {
      const { term = "", filters: given } = query;
      if (term.trim() === "") throw serverErrors["invalid-parameter"]("term", term, "part of a name");
      // moby: daemon/containerd/image_search.go
      const limit = query.limit === undefined || query.limit === 0 ? 25 : query.limit;
      if (limit < 1 || limit > 100) throw serverErrors["search-limit"](limit);
      const official = given.flag("is-official");
      const automated = given.flag("is-automated");
      const stars = given.values("stars").map((value) => {
        if (!/^\d{1,9}$/.test(value)) throw serverErrors["invalid-filter-value"]("stars", value);
        return Number(value);
      });
      const found = await engine.images.search(
        { term: term.trim(), limit, credentials: credentialsOf(request) },
        signal,
      );
      return jsonReply(
        found
          .filter(
            (result) =>
              (official === undefined || result.isOfficial === official) &&
              (automated === undefined || result.isAutomated === automated) &&
              result.stars >= Math.max(0, ...stars),
          )
          .map((result) => ({
            star_count: result.stars,
            is_official: result.isOfficial,
            name: result.name,
            is_automated: result.isAutomated,
            description: result.description,
          })),
      );
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/auth",
    body: authBody,
    async handle({ parts: { engine }, body, signal }) {
      const { username, password, serveraddress, identitytoken, registrytoken } = body;
      const given = (value: string | null | undefined) => (value === "" || value === null ? undefined : value);
      const { identityToken } = await engine.images.login(
        {
          username: given(username),
          password: given(password),
          serverAddress: given(serveraddress),
          identityToken: given(identitytoken),
          registryToken: given(registrytoken),
        },
        signal,
      );
      return jsonReply({ Status: "Login Succeeded", IdentityToken: identityToken ?? "" });
    },
  }),
];
