import type { Engine, NetworkRecord } from "#engine";
import type { NetworkContainerDocument, NetworkDocument } from "#formats";
import type { ApiVersion } from "../http/version.ts";

/** A network; `Containers` only in inspect. */
export function networkDocument(
  network: NetworkRecord,
  version: ApiVersion,
  containers: Record<string, NetworkContainerDocument> = {},
): NetworkDocument {
  const pools = network.pools.map((pool) => ({
    Subnet: pool.subnet,
    ...(pool.ipRange === undefined ? {} : { IPRange: pool.ipRange }),
    ...(pool.gateway === undefined ? {} : { Gateway: pool.gateway }),
    ...(pool.auxiliaryAddresses === undefined ? {} : { AuxiliaryAddresses: { ...pool.auxiliaryAddresses } }),
  }));
  const document: NetworkDocument = {
    Name: network.name,
    Id: network.id,
    Created: new Date(network.createdMs).toISOString(),
    Scope: "local",
    Driver: network.driver,
    EnableIPv6: network.enableIpv6,
    IPAM: {
      Driver: network.ipamDriver,
      Options: network.ipamOptions,
      Config: pools.length === 0 ? null : pools,
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom },
    ConfigOnly: network.configOnly,
    Containers: containers,
    Options: network.options,
    Labels: network.labels,
  };
  if (version >= 47) document.EnableIPv4 = network.enableIpv4;
  return document;
}

/** Who is on a network now, by container id. */
export function networkContainers(engine: Engine, network: NetworkRecord): Record<string, NetworkContainerDocument> {
  const documents: Record<string, NetworkContainerDocument> = {};
  for (const endpoint of engine.networks.endpointsOf(network.id)) {
    documents[endpoint.containerId] = {
      Name: engine.containers.findName(endpoint.containerId) ?? "",
      EndpointID: endpoint.endpointId,
      MacAddress: endpoint.macAddress,
      IPv4Address: endpoint.ipv4 === "" ? "" : `${endpoint.ipv4}/${endpoint.ipv4PrefixLength}`,
      IPv6Address: endpoint.ipv6 === "" ? "" : `${endpoint.ipv6}/${endpoint.ipv6PrefixLength}`,
    };
  }
  return documents;
}
