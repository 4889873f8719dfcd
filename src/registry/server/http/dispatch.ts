import { errorMessage } from "#base";
import type { Action, Principal } from "../access/rules.ts";
import type { Grant } from "../access/tokens.ts";
import { serverErrors } from "../errors.ts";
import { isRepositoryName } from "../repositories/keys.ts";
import { blobEndpoint } from "./blobs.ts";
import { describeFailure, errorResponse } from "./error-body.ts";
import { listingEndpoint } from "./listing.ts";
import { catalogEndpoint, referrersEndpoint, searchEndpoint, tagsEndpoint } from "./lists.ts";
import { manifestEndpoint } from "./manifests.ts";
import type { Endpoint, RegistryParts } from "./parts.ts";
import { readTarget, type Target } from "./routes.ts";
import { uploadEndpoint, uploadsEndpoint } from "./uploads.ts";

const baseEndpoint: Endpoint = { GET: async () => Response.json({}) };
const pingEndpoint: Endpoint = { GET: async () => Response.json({ standalone: true }) };
const metricsEndpoint: Endpoint = {
  GET: async ({ parts }) =>
    new Response(parts.metrics.render(), { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } }),
};

/** What a path offers, by method. */
function endpointOf(target: Target): Endpoint {
  switch (target.kind) {
    case "base":
      return baseEndpoint;
    case "catalog":
      return catalogEndpoint;
    case "blob":
      return blobEndpoint(target.repository, target.digest);
    case "uploads":
      return uploadsEndpoint(target.repository);
    case "upload":
      return uploadEndpoint(target.repository, target.id);
    case "manifest":
      return manifestEndpoint(target.repository, target.reference);
    case "tags":
      return tagsEndpoint(target.repository);
    case "referrers":
      return referrersEndpoint(target.repository, target.digest);
    case "search":
      return searchEndpoint;
    case "search-ping":
      return pingEndpoint;
    case "listing":
      return listingEndpoint;
    case "metrics":
      return metricsEndpoint;
    case "token":
    case "health":
    case "unknown":
      return {};
  }
}

/** The right a request needs: on a repository, or to the lists. */
function neededAction(target: Target, method: string): Action {
  if (method === "GET" || method === "HEAD") return target.kind === "upload" ? "push" : "pull";
  return method === "DELETE" && target.kind !== "upload" ? "delete" : "push";
}

const everyName: Grant = { type: "registry", name: "catalog", actions: ["*"] };

/** What a client has to ask a token for. */
function grantsFor(target: Target, action: Action, query: URLSearchParams): readonly Grant[] {
  if ("repository" in target) {
    const actions = action === "push" ? ["pull", "push"] : [action];
    const own: Grant = { type: "repository", name: target.repository, actions };
    if (target.kind !== "uploads" || !query.has("mount")) return [own];
    const from = query.get("from");
    return [own, from === null ? everyName : { type: "repository", name: from, actions: ["pull"] }];
  }
  return target.kind === "catalog" || target.kind === "metrics" || target.kind === "listing" || target.kind === "search"
    ? [everyName]
    : [];
}

function checkRights(target: Target, action: Action, principal: Principal, hasCredentials: boolean): void {
  const refuse = (what: string) => {
    const repository = "repository" in target ? target.repository : undefined;
    // A token for something else: clients that keep tokens ask for another when they are challenged.
    const { mayAskFor } = principal;
    const isNarrow = mayAskFor !== undefined && mayAskFor(action, repository) !== false;
    if (!hasCredentials || isNarrow) throw serverErrors.servedUnauthorized();
    throw serverErrors.servedDenied(principal.name, action, what);
  };
  if ("repository" in target) {
    if (!principal.can(action, target.repository)) refuse(target.repository);
  } else if (target.kind === "metrics" && !principal.canList) refuse("the metrics");
  // The lists show each what it may pull; who did not log in and may not see all is asked to log in first.
  else if (!principal.canList && !hasCredentials && target.kind !== "base" && target.kind !== "search-ping") {
    refuse("the list");
  }
}

async function answer(parts: RegistryParts, request: Request, url: URL, target: Target): Promise<Response> {
  if (target.kind === "health") return healthResponse(parts);
  if (target.kind === "token") {
    if (parts.access.token === undefined) throw serverErrors.servedRouteUnknown(url.pathname);
    return parts.access.token(request);
  }
  if (target.kind === "unknown") throw serverErrors.servedRouteUnknown(url.pathname.slice(0, 200));
  if ("repository" in target && !isRepositoryName(target.repository)) {
    throw serverErrors.servedNameInvalid(target.repository.slice(0, 300));
  }
  if (
    parts.mirror?.owns("repository" in target ? target.repository : "") === true &&
    "repository" in target &&
    neededAction(target, request.method) === "push"
  ) {
    throw serverErrors.servedUnsupported(
      `${target.repository} is a mirror of another registry; nothing is pushed to it`,
    );
  }
  const principal = await parts.access.identify(request);
  const hasCredentials = request.headers.has("authorization");
  const action = neededAction(target, request.method);
  if (target.kind === "base" && parts.access.wantsLogin && !hasCredentials) throw serverErrors.servedUnauthorized();
  checkRights(target, action, principal, hasCredentials);
  const endpoint = endpointOf(target);
  const handle = endpoint[request.method === "HEAD" ? "GET" : request.method];
  if (handle === undefined) throw serverErrors.servedUnsupported(`${request.method} is not supported here`);
  if (action !== "pull" && target.kind !== "base") {
    if (parts.readOnly) throw serverErrors.servedUnsupported("the registry is in read-only mode");
    if (action === "delete" && !parts.deletes) throw serverErrors.servedUnsupported("deleting is switched off");
  }
  return handle({ parts, request, url, principal });
}

async function healthResponse({ repositories }: RegistryParts): Promise<Response> {
  // The store is asked for something that need not be there: an error means that it does not answer.
  try {
    await repositories.exists("health");
    return Response.json({ status: "ok" }, { headers: { "cache-control": "no-store" } });
  } catch (error) {
    return Response.json({ status: "failing", error: describeFailure(error).message }, { status: 503 });
  }
}

/** A client may name the registry whose mirror it takes us for. */
function named({ mirror }: RegistryParts, target: Target, url: URL): Target {
  if (mirror === undefined || !("repository" in target)) return target;
  return { ...target, repository: mirror.localName(target.repository, url.searchParams.get("ns")) };
}

/** A request → its answer; never throws. */
export async function handleRequest(parts: RegistryParts, request: Request): Promise<Response> {
  const started = performance.now();
  let route: Target["kind"] = "unknown";
  let response: Response;
  try {
    // HTTP/1.0 without a Host header gives a bare path.
    const url = new URL(request.url, "http://localhost");
    const target = named(parts, readTarget(url.pathname), url);
    route = target.kind;
    try {
      response = await answer(parts, request, url, target);
    } catch (error) {
      const { status } = describeFailure(error);
      const grants = grantsFor(target, neededAction(target, request.method), url.searchParams);
      response = errorResponse(error, status === 401 ? parts.access.challenge(request, grants) : {});
      if (status >= 500) {
        parts.metrics.add("berth_registry_failures_total", 1);
        parts.logger.error("request failed", {
          method: request.method,
          path: url.pathname,
          error: errorMessage(error),
        });
      }
    }
  } catch {
    response = errorResponse(serverErrors.servedRouteUnknown("a malformed address"));
  }
  response.headers.set("docker-distribution-api-version", "registry/2.0");
  const seconds = (performance.now() - started) / 1000;
  parts.metrics.request({ method: request.method, route, status: response.status }, seconds);
  parts.logger.debug("request", {
    method: request.method,
    url: request.url,
    status: response.status,
    ms: Math.round(seconds * 1000),
  });
  return response;
}
