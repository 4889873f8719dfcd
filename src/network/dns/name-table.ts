import { type Family, formatIp, type IpAddress } from "../ipam/ip-address.ts";

/** A container's place on a network, as the name servers of its neighbours see it. */
export type NamedEndpoint = {
  readonly endpointId: string;
  readonly networkId: string;
  /** The first is what a reverse lookup tells. */
  readonly names: readonly string[];
  readonly addresses: readonly IpAddress[];
};

/** One network a container sees names of, in the order they are asked. */
export type VisibleNetwork = {
  readonly networkId: string;
  readonly networkName: string;
  /** What this container alone calls others there: alias → name. */
  readonly links: Readonly<Record<string, string>>;
};

/** Who is called what on which network. Names are compared as DNS does, without regard to case. */
export type NameTable = {
  /** Adds, or replaces what was known of the endpoint. */
  set(endpoint: NamedEndpoint): void;
  delete(endpointId: string): void;
  /** All addresses of a name, of both families; undefined for a name that is nobody's. */
  resolve(networks: readonly VisibleNetwork[], name: string): readonly IpAddress[] | undefined;
  /** The full name behind an address: "web.backend". */
  reverse(networks: readonly VisibleNetwork[], address: IpAddress): string | undefined;
};

export function createNameTable(): NameTable {
  const endpoints = new Map<string, NamedEndpoint>();
  const byName = new Map<string, Map<string, NamedEndpoint>>();
  const byAddress = new Map<string, NamedEndpoint>();
  const nameKey = (networkId: string, name: string): string => `${networkId} ${name.toLowerCase()}`;
  const addressKey = (networkId: string, address: IpAddress): string => `${networkId} ${formatIp(address)}`;

  const forget = (endpointId: string): void => {
    const endpoint = endpoints.get(endpointId);
    if (endpoint === undefined) return;
    endpoints.delete(endpointId);
    for (const name of endpoint.names) {
      const key = nameKey(endpoint.networkId, name);
      const holders = byName.get(key);
      holders?.delete(endpointId);
      if (holders?.size === 0) byName.delete(key);
    }
    for (const address of endpoint.addresses) {
      const key = addressKey(endpoint.networkId, address);
      // The address may be somebody else's by now.
      if (byAddress.get(key) === endpoint) byAddress.delete(key);
    }
  };

  const on = (network: VisibleNetwork, name: string): readonly IpAddress[] | undefined => {
    const linked = Object.entries(network.links).find(([alias]) => alias.toLowerCase() === name.toLowerCase())?.[1];
    const holders = byName.get(nameKey(network.networkId, linked ?? name));
    return holders === undefined ? undefined : [...holders.values()].flatMap(({ addresses }) => addresses);
  };

  return {
    set: (endpoint) => {
      forget(endpoint.endpointId);
      endpoints.set(endpoint.endpointId, endpoint);
      for (const name of endpoint.names) {
        const key = nameKey(endpoint.networkId, name);
        let holders = byName.get(key);
        if (holders === undefined) byName.set(key, (holders = new Map()));
        holders.set(endpoint.endpointId, endpoint);
      }
      for (const address of endpoint.addresses) byAddress.set(addressKey(endpoint.networkId, address), endpoint);
    },
    delete: forget,
    resolve: (networks, name) => {
      for (const network of networks) {
        const found = on(network, name);
        if (found !== undefined) return found;
      }
      // "web.backend": a name on the network of that name; both may hold dots.
      for (let dot = name.lastIndexOf("."); dot > 0; dot = name.lastIndexOf(".", dot - 1)) {
        const networkName = name.slice(dot + 1).toLowerCase();
        const network = networks.find((candidate) => candidate.networkName.toLowerCase() === networkName);
        const found = network === undefined ? undefined : on(network, name.slice(0, dot));
        if (found !== undefined) return found;
      }
      return undefined;
    },
    reverse: (networks, address) => {
      for (const network of networks) {
        const [name] = byAddress.get(addressKey(network.networkId, address))?.names ?? [];
        if (name !== undefined) return `${name}.${network.networkName}`;
      }
      return undefined;
    },
  };
}

/** The addresses of one family. */
export function ofFamily(addresses: readonly IpAddress[], family: Family): readonly IpAddress[] {
  return addresses.filter((address) => address.family === family);
}
