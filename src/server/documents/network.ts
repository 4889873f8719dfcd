import type { Engine, NetworkRecord } from "#engine";
import type { NetworkContainerDocument, NetworkDocument } from "#formats";
import type { ApiVersion } from "../http/version.ts";

/** A network; `Containers` only in inspect. */
export function networkDocument(
  network: NetworkRecord,
  version: ApiVersion,
  containers: Record<string, NetworkContainerDocument> = {},
): NetworkDocument {
  const pool: { Subnet?: string; IPRange?: string; Gateway?: string } = {};
  if (network.subnet !== undefined) pool.Subnet = network.subnet;
  if (network.ipRange !== undefined) pool.IPRange = network.ipRange;
  if (network.gateway !== undefined) pool.Gateway = network.gateway;
  const document: NetworkDocument = {
    Name: network.name,
    Id: network.id,
    Created: new Date(network.createdMs).toISOString(),
    Scope: "local",
    Driver: network.driver,
    EnableIPv6: false,
    IPAM: { Driver: "default", Options: null, Config: network.subnet === undefined ? null : [pool] },
    Internal: network.internal,
    Attachable: false,
    Ingress: false,
    ConfigFrom: { Network: "" },
    ConfigOnly: false,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  };
  if (version >= 47) document.EnableIPv4 = true;
  return document;
}

/** Who is on a network now, by container id. */
export function networkContainers(engine: Engine, network: NetworkRecord): Record<string, NetworkContainerDocument> {
  const documents: Record<string, NetworkContainerDocument> = {};
  const names = new Map<string, string>();
  for (const container of engine.containers.list()) names.set(container.id, container.name);
  for (const endpoint of engine.networks.endpointsOf(network.id)) {
    documents[endpoint.containerId] = {
      Name: names.get(endpoint.containerId) ?? "",
      EndpointID: endpoint.endpointId,
      MacAddress: endpoint.macAddress,
      IPv4Address: endpoint.ipv4 === "" ? "" : `${endpoint.ipv4}/${endpoint.ipv4PrefixLength}`,
      IPv6Address: "",
    };
  }
  return documents;
}
