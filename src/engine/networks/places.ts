import { createHash } from "node:crypto";
import type { Endpoint, NetworkRecord, NetworkService } from "#network";
import { type Container, hasProcess } from "../containers/container.ts";

/** The networks that are nobody's interface: the host's own, and none. */
function isShared(record: NetworkRecord): boolean {
  return !record.configOnly && (record.driver === "host" || record.driver === "null");
}

/** A running container's place on "host" or "none": Docker shows one, though nothing is made for it. */
function placeOn(record: NetworkRecord, containerId: string): Endpoint {
  return {
    networkId: record.id,
    networkName: record.name,
    endpointId: createHash("sha256").update(`${containerId}/${record.id}`).digest("hex"),
    interfaceName: "",
    hostInterface: "",
    macAddress: "",
    ipv4: "",
    ipv4PrefixLength: 0,
    gateway: "",
    ipv6: "",
    ipv6PrefixLength: 0,
    ipv6Gateway: "",
  };
}

/** Every place a running container has on networks. */
export function placesOf(
  network: Pick<NetworkService, "list" | "describe">,
  container: Container,
): readonly Endpoint[] {
  const { endpoints } = network.describe(container.id);
  if (endpoints.length > 0) return endpoints;
  const names = Object.keys(container.document.networkRequests);
  return network
    .list()
    .flatMap((record) => (isShared(record) && names.includes(record.name) ? [placeOn(record, container.id)] : []));
}

/** Who is on a network now. */
export function endpointsOn(
  network: Pick<NetworkService, "get" | "endpointsOf">,
  containers: Iterable<Container>,
  networkId: string,
): readonly (Endpoint & { readonly containerId: string })[] {
  const record = network.get(networkId);
  if (!isShared(record)) return network.endpointsOf(networkId);
  const found: (Endpoint & { readonly containerId: string })[] = [];
  for (const container of containers) {
    if (!hasProcess(container) || container.document.networkRequests[record.name] === undefined) continue;
    found.push({ ...placeOn(record, container.id), containerId: container.id });
  }
  return found;
}
