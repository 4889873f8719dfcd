import type { NetworkRecord, NetworkRequest } from "#engine";
import { connectNetworkSchema, type CreateNetworkBody, createNetworkSchema, disconnectNetworkSchema } from "#formats";
import { networkContainers, networkDocument } from "../documents/network.ts";
import { serverErrors } from "../errors.ts";
import type { Filters } from "../http/filters.ts";
import { emptyReply, jsonReply, jsonRoute, route, type Route } from "../http/route.ts";
import { filters, flag, text } from "../http/query.ts";
import { pruneFilterKeys, prunedBefore } from "./prune-window.ts";

const predefined = new Set(["bridge", "host", "none"]);

function networkSelector(
  given: Filters,
  inUse: (network: NetworkRecord) => boolean,
): (network: NetworkRecord) => boolean {
  const dangling = given.flag("dangling");
  for (const value of given.values("type"))
    if (value !== "builtin" && value !== "custom") throw serverErrors["invalid-filter-value"]("type", value);
  return (network) =>
    given.matches("name", network.name) &&
    given.matches("id", network.id) &&
    given.any("driver", (value) => value === network.driver) &&
    given.any("scope", (value) => value === "local") &&
    given.any("type", (value) => (value === "builtin") === predefined.has(network.name)) &&
    given.labels(network.labels) &&
    (dangling === undefined || dangling === (!predefined.has(network.name) && !inUse(network)));
}

/** Networks. */
export const networkRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/networks",
    query: { filters: filters(["dangling", "driver", "id", "label", "name", "scope", "type"]) },
    handle({ parts: { engine }, query, version }) {
      const accepts = networkSelector(query.filters, (network) => engine.networks.endpointsOf(network.id).length > 0);
      return jsonReply(
        engine.networks
          .list()
          .filter(accepts)
          .map((network) => networkDocument(network, version)),
      );
    },
  }),
  route({
    method: "GET",
    path: "/networks/{id}",
    query: { verbose: flag(), scope: text() },
    handle({ parts: { engine }, params: { id = "" }, query: { scope = "" }, version }) {
      if (scope !== "" && scope !== "local") throw serverErrors["network-out-of-scope"](id);
      const network = engine.networks.get(id);
      return jsonReply(networkDocument(network, version, networkContainers(engine, network)));
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/networks/create",
    body: createNetworkSchema,
    async handle({ parts: { engine }, body, version }) {
      const request = networkRequest(body, version);
      const network = await engine.networks.create(request);
      return jsonReply({ Id: network.id, Warning: warningOf(request, network) }, 201);
    },
  }),
  route({
    method: "DELETE",
    path: "/networks/{id...}",
    async handle({ parts: { engine }, params: { id = "" } }) {
      await engine.networks.remove(id);
      return emptyReply();
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/networks/{id}/connect",
    body: connectNetworkSchema,
    async handle({ parts: { engine }, params: { id = "" }, body, version }) {
      const settings = body.EndpointConfig ?? {};
      await engine.networks.connect(id, body.Container, version >= 48 ? settings : { ...settings, GwPriority: 0 });
      return emptyReply(200);
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/networks/{id}/disconnect",
    body: disconnectNetworkSchema,
    async handle({ parts: { engine }, params: { id = "" }, body }) {
      await engine.networks.disconnect(id, body.Container, { force: body.Force === true });
      return emptyReply(200);
    },
  }),
  route({
    method: "POST",
    path: "/networks/prune",
    since: 25,
    query: { filters: filters(pruneFilterKeys) },
    async handle({ parts: { engine }, query }) {
      const before = prunedBefore(query.filters);
      const beforeMs = before === undefined ? undefined : Number(before / 1_000_000n);
      const deleted: string[] = [];
      for (const network of engine.networks.list()) {
        if (predefined.has(network.name) || engine.networks.endpointsOf(network.id).length > 0) continue;
        if (!query.filters.labels(network.labels) || (beforeMs !== undefined && network.createdMs >= beforeMs))
          continue;
        try {
          await engine.networks.remove(network.id);
        } catch {
          // Taken into use, or removed by someone else, since it was listed: it is simply not pruned.
          continue;
        }
        deleted.push(network.name);
      }
      // Networks give no bytes back.
      engine.events.emit({ type: "network", action: "prune", actor: { id: "", attributes: { reclaimed: "0" } } });
      return jsonReply({ NetworksDeleted: deleted.length === 0 ? null : deleted });
    },
  }),
];

function emptyAsUndefined(value: string | null | undefined): string | undefined {
  return value === null || value === undefined || value === "" ? undefined : value;
}

/** A client's body as a request; fields that its version does not have say nothing. */
function networkRequest(body: CreateNetworkBody, version: number): NetworkRequest {
  return {
    name: body.Name,
    driver: body.Driver ?? "",
    pools: (body.IPAM?.Config ?? []).map((pool) => ({
      subnet: emptyAsUndefined(pool.Subnet),
      gateway: emptyAsUndefined(pool.Gateway),
      ipRange: emptyAsUndefined(pool.IPRange),
      auxiliaryAddresses: pool.AuxiliaryAddresses ?? undefined,
    })),
    enableIpv4: version >= 47 ? (body.EnableIPv4 ?? undefined) : undefined,
    enableIpv6: body.EnableIPv6 ?? undefined,
    ipamDriver: body.IPAM?.Driver ?? "",
    ipamOptions: body.IPAM?.Options ?? null,
    internal: body.Internal === true,
    attachable: body.Attachable === true,
    ingress: body.Ingress === true,
    scope: body.Scope ?? "",
    configOnly: body.ConfigOnly === true,
    configFrom: body.ConfigFrom?.Network ?? "",
    options: body.Options ?? {},
    labels: body.Labels ?? {},
  };
}

/** What a client should know although its network was made. */
function warningOf(request: NetworkRequest, network: NetworkRecord): string {
  const isSkipped = (family: string): boolean =>
    request.pools.some(({ subnet = "" }) => subnet.includes(":") === (family === "IPv6"));
  if (!network.enableIpv6 && isSkipped("IPv6")) return "IPv6 subnets are not used: IPv6 is not enabled for the network";
  if (!network.enableIpv4 && isSkipped("IPv4")) return "IPv4 subnets are not used: IPv4 is not enabled for the network";
  return "";
}
