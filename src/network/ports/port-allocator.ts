import { errorCode, findPortHolder, type PortReservation, readSysctl, reservePort } from "#linux";
import type { PortPublication, PublishedPort } from "../contract.ts";
import { errors } from "../errors.ts";
import { parseIpv4 } from "../ipam/ipv4.ts";

/** Who asks, for messages. */
export type PortOwner = {
  readonly containerId: string;
  /** "web (0123…)", as Docker names an endpoint. */
  readonly endpoint: string;
  readonly containerIp: string;
};

/** Published ports of all containers. Each is held by a bound socket, so that no process of the host can take it. */
export type PortAllocator = {
  /** Takes all of them or none. Throws conflict naming the holder: a container, or a process of the host. */
  allocate(owner: PortOwner, publications: readonly PortPublication[], defaultHostIp: string): readonly PublishedPort[];
  /** Takes ports that a live container holds since before the daemon started; false when a process has taken it meanwhile. */
  restore(containerId: string, port: PublishedPort): boolean;
  /** Idempotent. */
  release(containerId: string): void;
  /** Lets go of all reservations. */
  close(): void;
};

type Held = {
  readonly containerId: string;
  readonly hostIp: string;
  readonly reservation: PortReservation | undefined;
};

const wildcardAddress = "0.0.0.0";
const dynamicPorts = { first: 49153, last: 65535 } as const;

/** @param nameOf what to call a container in messages */
export function createPortAllocator(nameOf: (containerId: string) => string): PortAllocator {
  // By "tcp 8080": a port can be published on several addresses.
  const held = new Map<string, Held[]>();
  const byContainer = new Map<string, { readonly key: string; readonly entry: Held }[]>();
  let cursor: number = dynamicPorts.first;

  const holderOf = (protocol: string, hostIp: string, port: number): Held | undefined =>
    held
      .get(`${protocol} ${port}`)
      ?.find((entry) => entry.hostIp === hostIp || entry.hostIp === wildcardAddress || hostIp === wildcardAddress);

  const hold = (containerId: string, port: PublishedPort, reservation: PortReservation | undefined): void => {
    const key = `${port.protocol} ${port.hostPort}`;
    const entry = { containerId, hostIp: port.hostIp, reservation };
    held.set(key, [...(held.get(key) ?? []), entry]);
    byContainer.set(containerId, [...(byContainer.get(containerId) ?? []), { key, entry }]);
  };

  const release = (containerId: string): void => {
    for (const { key, entry } of byContainer.get(containerId) ?? []) {
      entry.reservation?.release();
      const rest = (held.get(key) ?? []).filter((other) => other !== entry);
      if (rest.length === 0) held.delete(key);
      else held.set(key, rest);
    }
    byContainer.delete(containerId);
  };

  /** Takes one port; an errno name when the host refuses, the holder when a container has it. */
  const tryTake = (containerId: string, port: PublishedPort): { readonly failure?: string | Held } => {
    const holder = holderOf(port.protocol, port.hostIp, port.hostPort);
    if (holder !== undefined) return { failure: holder };
    try {
      hold(containerId, port, reservePort(port.protocol, parseIpv4(port.hostIp) ?? 0, port.hostPort));
      return {};
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      return { failure: code };
    }
  };

  const takeRandom = (owner: PortOwner, base: Omit<PublishedPort, "hostPort">): PublishedPort => {
    const size = dynamicPorts.last - dynamicPorts.first + 1;
    const tryPort = (hostPort: number): PublishedPort | undefined => {
      const port = { ...base, hostPort };
      const { failure } = tryTake(owner.containerId, port);
      if (typeof failure === "string" && failure !== "EADDRINUSE") throw refused(owner, port, failure);
      return failure === undefined ? port : undefined;
    };
    for (let tries = 0; tries < size; tries++) {
      const hostPort = cursor;
      cursor = cursor === dynamicPorts.last ? dynamicPorts.first : cursor + 1;
      const port = tryPort(hostPort);
      if (port !== undefined) return port;
    }
    const [from = 1, to = 0] = (readSysctl("net.ipv4.ip_local_port_range") ?? "").split(/\s+/).map(Number);
    for (let hostPort = from; hostPort <= to; hostPort++) {
      const port = tryPort(hostPort);
      if (port !== undefined) return port;
    }
    throw errors["network-ports-exhausted"](owner.endpoint, base.hostIp, dynamicPorts.first, dynamicPorts.last);
  };

  const takeOne = (owner: PortOwner, publication: PortPublication, defaultHostIp: string): PublishedPort => {
    const base = {
      containerPort: publication.containerPort,
      protocol: publication.protocol,
      hostIp: checkedHostIp(publication.hostIp, defaultHostIp),
    };
    if (publication.hostPort === 0) return takeRandom(owner, base);
    const last = publication.hostPortEnd ?? publication.hostPort;
    for (let hostPort = publication.hostPort; hostPort <= last; hostPort++) {
      const port = { ...base, hostPort };
      const { failure } = tryTake(owner.containerId, port);
      if (failure === undefined) return port;
      if (hostPort < last) continue;
      if (last > publication.hostPort) {
        throw errors["network-ports-exhausted"](owner.endpoint, base.hostIp, publication.hostPort, last);
      }
      throw typeof failure === "string"
        ? refused(owner, port, failure)
        : errors["network-port-allocated"](owner.endpoint, port.hostIp, port.hostPort, nameOf(failure.containerId));
    }
    throw errors["network-ports-exhausted"](owner.endpoint, base.hostIp, publication.hostPort, last);
  };

  return {
    allocate: (owner, publications, defaultHostIp) => {
      try {
        return publications.map((publication) => takeOne(owner, publication, defaultHostIp));
      } catch (error) {
        release(owner.containerId);
        throw error;
      }
    },
    restore: (containerId, port) => {
      const { failure } = tryTake(containerId, port);
      // The container's connections go on in any case; what is lost is only the claim against the host's processes.
      if (failure !== undefined) hold(containerId, port, undefined);
      return failure === undefined;
    },
    release,
    close: () => {
      for (const containerId of byContainer.keys()) release(containerId);
    },
  };
}

function checkedHostIp(hostIp: string, defaultHostIp: string): string {
  const address = hostIp === "" ? defaultHostIp : hostIp;
  if (address.includes(":")) throw errors["network-host-address"](address, "the container has no IPv6 address");
  if (parseIpv4(address) === undefined) throw errors["network-host-address"](address, "not an IP address");
  return address;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

/** Docker's sentence for a port the host refuses, with the process that has it. */
function refused(owner: PortOwner, port: PublishedPort, code: string): Error {
  const holder = code === "EADDRINUSE" ? findPortHolder(port.protocol, port.hostPort) : undefined;
  const hint =
    code === "EADDRNOTAVAIL"
      ? `${port.hostIp} is not an address of this host`
      : holder === undefined
        ? `Find who uses port ${port.hostPort}, or publish another`
        : `Stop that process or publish another port`;
  const reason = `${reasons[code] ?? code}${holder === undefined ? "" : ` by process ${holder.name} (pid ${holder.pid})`}`;
  const binding = `${port.hostIp}:${port.hostPort}:${owner.containerIp}:${port.containerPort}/${port.protocol}`;
  return errors["network-port-in-use"](owner.endpoint, binding, reason, hint);
}
