import { readFileSync } from "node:fs";
import { errorCode, findPortHolder, type PortReservation, readSysctl, reservePort } from "#linux";
import type { PortPublication, PublishedPort } from "../contract.ts";
import { errors } from "../errors.ts";
import type { Forwarder, ForwardHandle } from "../forward/forwarder.ts";
import { bytesOf, type Family, formatIp, parseIp } from "../ipam/ip-address.ts";

/** Who asks, for messages. */
export type PortOwner = {
  readonly containerId: string;
  /** "web (0123…)", as Docker names an endpoint. */
  readonly endpoint: string;
  /** The container's address in each family it has, and how ports are published to it there. */
  readonly targets: readonly PortTarget[];
};

/** Where a family's published ports lead. */
export type PortTarget = {
  readonly family: Family;
  readonly containerIp: string;
  /** The network is routed: its ports are open on the container's own address, and take none of the host's. */
  readonly isRouted: boolean;
};

/** A published port and the address of the container it leads to. */
export type AllocatedPort = PublishedPort & { readonly containerIp: string };

/** Published ports of all containers. Each is held by a bound socket, so that no process of the host can take it. */
export type PortAllocator = {
  /** Takes all of them or none. Throws conflict naming the holder: a container, or a process of the host. */
  allocate(owner: PortOwner, publications: readonly PortPublication[], defaultHostIp: string): readonly AllocatedPort[];
  /** As `allocate`, in place of what the container has; on failure it keeps that. A port it keeps is never free in between. */
  reallocate(
    owner: PortOwner,
    publications: readonly PortPublication[],
    defaultHostIp: string,
  ): readonly AllocatedPort[];
  /** Takes a port that a live container holds since before the daemon started; false when a process has it. */
  restore(containerId: string, port: AllocatedPort): boolean;
  /** Holds such a port although a process has it: the container's connections go on. */
  claim(containerId: string, port: AllocatedPort): void;
  /** Idempotent. */
  release(containerId: string): void;
  /** Lets go of all reservations. */
  close(): void;
};

type Held = {
  readonly containerId: string;
  readonly hostIp: string;
  readonly containerIp: string;
  readonly containerPort: number;
  readonly reservation: PortReservation | undefined;
  readonly forward: ForwardHandle | undefined;
  /** The entry whose reservation this one uses, until it is settled which of the two stays. */
  borrowedFrom: Held | undefined;
};
type HeldUnderKey = { readonly key: string; readonly entry: Held };

const wildcardAddresses = { 4: "0.0.0.0", 6: "::" } as const;
const dynamicPorts = { first: 49153, last: 65535 } as const;

/**
 * @param nameOf what to call a container in messages
 * @param forwarder carries what the kernel does not; undefined = such ports are not published
 */
export function createPortAllocator(
  nameOf: (containerId: string) => string,
  forwarder: Forwarder | undefined,
): PortAllocator {
  // By "tcp 8080": a port can be published on several addresses.
  const held = new Map<string, Held[]>();
  const byContainer = new Map<string, HeldUnderKey[]>();
  /** What a container had before `reallocate`, to be taken again. */
  let spare: readonly HeldUnderKey[] = [];
  let cursor: number = dynamicPorts.first;

  const holderOf = (protocol: string, hostIp: string, port: number): Held | undefined =>
    held.get(`${protocol} ${port}`)?.find((entry) => collide(entry.hostIp, hostIp));

  const attach = (containerId: string, { key, entry }: HeldUnderKey): void => {
    held.set(key, [...(held.get(key) ?? []), entry]);
    byContainer.set(containerId, [...(byContainer.get(containerId) ?? []), { key, entry }]);
  };

  const hold = (containerId: string, port: AllocatedPort, more: Partial<Held>): void => {
    const { hostIp, containerIp, containerPort } = port;
    const rest = { reservation: undefined, forward: undefined, borrowedFrom: undefined };
    const entry: Held = { ...rest, containerId, hostIp, containerIp, containerPort, ...more };
    attach(containerId, { key: `${port.protocol} ${port.hostPort}`, entry });
  };

  /** Lets the forwarder serve a port that the kernel does not. */
  const forwardOf = (port: AllocatedPort, reservation: PortReservation): ForwardHandle | undefined => {
    const target = parseIp(port.containerIp);
    if (forwarder === undefined || target === undefined || reservation.fd === undefined) return undefined;
    if (port.protocol === "sctp" || !needsForwarder(port)) return undefined;
    const { protocol, containerPort } = port;
    return forwarder.forward({ protocol, socket: reservation.fd, address: bytesOf(target), port: containerPort });
  };

  const close = (entry: Held): void => {
    const lender = entry.borrowedFrom;
    if (entry.forward !== lender?.forward) entry.forward?.end();
    if (lender === undefined) entry.reservation?.release();
  };

  /** Takes a container's entries after its first `kept` out of the tables. */
  const detachFrom = (containerId: string, kept: number): readonly HeldUnderKey[] => {
    const taken = byContainer.get(containerId) ?? [];
    for (const { key, entry } of taken.slice(kept)) {
      const rest = (held.get(key) ?? []).filter((other) => other !== entry);
      if (rest.length === 0) held.delete(key);
      else held.set(key, rest);
    }
    if (kept === 0) byContainer.delete(containerId);
    else byContainer.set(containerId, taken.slice(0, kept));
    return taken.slice(kept);
  };

  /** Lets go of what a container took after its first `kept` ports. */
  const releaseFrom = (containerId: string, kept: number): void => {
    for (const { entry } of detachFrom(containerId, kept)) close(entry);
  };
  const release = (containerId: string): void => releaseFrom(containerId, 0);

  /** Takes one port; an errno name when the host refuses, the holder when a container has it. */
  const tryTake = (containerId: string, port: AllocatedPort): { readonly failure?: string | Held } => {
    const holder = holderOf(port.protocol, port.hostIp, port.hostPort);
    if (holder !== undefined) return { failure: holder };
    const address = parseIp(port.hostIp);
    if (address === undefined) throw errors["network-host-address"](port.hostIp, "not an IP address");
    const key = `${port.protocol} ${port.hostPort}`;
    const lender = spare.find((before) => before.key === key && before.entry.hostIp === port.hostIp)?.entry;
    const isListener = port.protocol === "tcp" && forwarder !== undefined && needsForwarder(port);
    try {
      if (lender?.reservation !== undefined) {
        const isSame = lender.containerIp === port.containerIp && lender.containerPort === port.containerPort;
        const forward = isSame ? lender.forward : forwardOf(port, lender.reservation);
        hold(containerId, port, { reservation: lender.reservation, forward, borrowedFrom: lender });
        return {};
      }
      const reservation = reservePort(port.protocol, bytesOf(address), port.hostPort, { listens: isListener });
      hold(containerId, port, { reservation, forward: forwardOf(port, reservation) });
      return {};
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      return { failure: code };
    }
  };

  /** Takes the same port on all addresses, or none; what stood in the way. */
  const tryAll = (
    owner: PortOwner,
    ports: readonly AllocatedPort[],
  ): { readonly failure: string | Held; readonly port: AllocatedPort } | undefined => {
    const mark = byContainer.get(owner.containerId)?.length ?? 0;
    for (const port of ports) {
      const { failure } = tryTake(owner.containerId, port);
      if (failure === undefined) continue;
      releaseFrom(owner.containerId, mark);
      return { failure, port };
    }
    return undefined;
  };

  type PortPlace = Omit<AllocatedPort, "hostPort">;
  const at = (places: readonly PortPlace[], hostPort: number): readonly AllocatedPort[] =>
    places.map((place) => ({ ...place, hostPort }));

  const takeRandom = (owner: PortOwner, places: readonly PortPlace[]): readonly AllocatedPort[] => {
    const size = dynamicPorts.last - dynamicPorts.first + 1;
    const tryPort = (hostPort: number): readonly AllocatedPort[] | undefined => {
      const ports = at(places, hostPort);
      const obstacle = tryAll(owner, ports);
      if (obstacle === undefined) return ports;
      if (typeof obstacle.failure === "string" && obstacle.failure !== "EADDRINUSE") {
        throw refused(owner, obstacle.port, obstacle.failure);
      }
      return undefined;
    };
    for (let tries = 0; tries < size; tries++) {
      const hostPort = cursor;
      cursor = cursor === dynamicPorts.last ? dynamicPorts.first : cursor + 1;
      const ports = tryPort(hostPort);
      if (ports !== undefined) return ports;
    }
    const [from = 1, to = 0] = (readSysctl("net.ipv4.ip_local_port_range") ?? "").split(/\s+/).map(Number);
    for (let hostPort = from; hostPort <= to; hostPort++) {
      const ports = tryPort(hostPort);
      if (ports !== undefined) return ports;
    }
    throw errors["network-ports-exhausted"](
      owner.endpoint,
      places[0]?.hostIp ?? "",
      dynamicPorts.first,
      dynamicPorts.last,
    );
  };

  const takeOne = (owner: PortOwner, publication: PortPublication, defaultHostIp: string): readonly AllocatedPort[] => {
    const { containerPort, protocol } = publication;
    const all = placesOf(owner, publication, { defaultHostIp, forwards: forwarder !== undefined });
    const routed = all.flatMap(({ target }): readonly AllocatedPort[] =>
      target.isRouted ? [{ containerPort, protocol, hostIp: "", hostPort: 0, containerIp: target.containerIp }] : [],
    );
    const places = all.flatMap(({ target, hostIp }): readonly PortPlace[] =>
      target.isRouted ? [] : [{ containerPort, protocol, hostIp, containerIp: target.containerIp }],
    );
    if (places.length === 0) return routed;
    if (publication.hostPort === 0) return [...routed, ...takeRandom(owner, places)];
    const last = publication.hostPortEnd ?? publication.hostPort;
    for (let hostPort = publication.hostPort; hostPort <= last; hostPort++) {
      const ports = at(places, hostPort);
      const obstacle = tryAll(owner, ports);
      if (obstacle === undefined) return [...routed, ...ports];
      if (hostPort < last) continue;
      const { failure, port } = obstacle;
      if (last > publication.hostPort) {
        throw errors["network-ports-exhausted"](owner.endpoint, port.hostIp, publication.hostPort, last);
      }
      throw typeof failure === "string"
        ? refused(owner, port, failure)
        : errors["network-port-allocated"](owner.endpoint, port.hostIp, port.hostPort, nameOf(failure.containerId));
    }
    throw errors["network-ports-exhausted"](owner.endpoint, places[0]?.hostIp ?? "", publication.hostPort, last);
  };

  const allocate: PortAllocator["allocate"] = (owner, publications, defaultHostIp) => {
    try {
      return publications.flatMap((publication) => takeOne(owner, publication, defaultHostIp));
    } catch (error) {
      release(owner.containerId);
      throw error;
    }
  };

  return {
    allocate,
    reallocate: (owner, publications, defaultHostIp) => {
      const before = detachFrom(owner.containerId, 0);
      spare = before;
      try {
        const allocated = allocate(owner, publications, defaultHostIp);
        const borrowed = new Set<Held>();
        for (const { entry } of byContainer.get(owner.containerId) ?? []) {
          const lender = entry.borrowedFrom;
          if (lender === undefined) continue;
          if (lender.forward !== entry.forward) lender.forward?.end();
          borrowed.add(lender);
          entry.borrowedFrom = undefined;
        }
        for (const { entry } of before) if (!borrowed.has(entry)) close(entry);
        return allocated;
      } catch (error) {
        for (const entry of before) attach(owner.containerId, entry);
        throw error;
      } finally {
        spare = [];
      }
    },
    restore: (containerId, port) => tryTake(containerId, port).failure === undefined,
    claim: (containerId, port) => hold(containerId, port, {}),
    release,
    close: () => {
      for (const containerId of byContainer.keys()) release(containerId);
    },
  };
}

/**
 * Whether connections to a published port take the forwarder's way, all or some of them: no translation of the kernel's crosses
 * the families, and nothing sent to `[::1]` leaves the loopback interface.
 */
function needsForwarder(port: AllocatedPort): boolean {
  return port.hostIp === "::1" || port.hostIp === wildcardAddresses[6] || !isTranslated(port);
}

/** Whether nftables translates a published port, or has it open: the forwarder alone serves the others. */
export function isTranslated(port: Pick<AllocatedPort, "hostIp" | "containerIp">): boolean {
  if (port.hostIp === "") return true;
  return port.hostIp !== "::1" && parseIp(port.hostIp)?.family === parseIp(port.containerIp)?.family;
}

/** Whether two host addresses cannot both have one port. */
function collide(one: string, other: string): boolean {
  if (one === other) return true;
  const family = parseIp(one)?.family ?? 4;
  if (parseIp(other)?.family !== family) return false;
  return one === wildcardAddresses[family] || other === wildcardAddresses[family];
}

/**
 * The host addresses a port is published on, each with the container's address it leads to. Without one asked for it is
 * the default address, and when that is "all of IPv4", all of IPv6 too. Where the container lacks an address's family, its
 * other one is reached by the forwarder.
 */
function placesOf(
  owner: PortOwner,
  { hostIp: asked, protocol }: PortPublication,
  { defaultHostIp, forwards }: { readonly defaultHostIp: string; readonly forwards: boolean },
): readonly { readonly target: PortTarget; readonly hostIp: string }[] {
  const address = parseIp(asked === "" ? defaultHostIp : asked);
  if (address === undefined) throw errors["network-host-address"](asked, "not an IP address");
  const hostIp = formatIp(address);
  // Without SCTP in JavaScript's world there is nobody to carry it.
  const canForward = forwards && protocol !== "sctp";
  const targetFor = (family: Family): PortTarget | undefined => {
    const own = owner.targets.find((target) => target.family === family);
    if (own === undefined && family === 6 && !hasIpv6()) return undefined;
    // A routed network is reached by its containers' own addresses alone.
    return own ?? (canForward ? owner.targets.find((target) => !target.isRouted) : undefined);
  };
  const families: readonly Family[] = asked === "" && hostIp === wildcardAddresses[4] ? [4, 6] : [address.family];
  const places = families.flatMap((family) => {
    const target = targetFor(family);
    if (target === undefined) return [];
    return [{ target, hostIp: families.length > 1 ? wildcardAddresses[family] : hostIp }];
  });
  if (hostIp === "::1" && !canForward) {
    throw errors["network-host-address"](hostIp, "the kernel lets nothing from there reach a container; use 127.0.0.1");
  }
  if (places.length > 0 || asked === "") return places;
  throw errors["network-host-address"](hostIp, `the container has no IPv${address.family} address`);
}

/** Whether this host has [::1]; if_inet6(5) of proc lists its addresses as digits. */
function hasIpv6(): boolean {
  try {
    return /^0{31}1 /m.test(readFileSync("/proc/thread-self/net/if_inet6", "utf8"));
  } catch {
    // A kernel without IPv6.
    return false;
  }
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "cannot assign requested address",
  EACCES: "permission denied",
};

/** Docker's sentence for a port the host refuses, with the process that has it. */
function refused(owner: PortOwner, port: AllocatedPort, code: string): Error {
  const holder = code === "EADDRINUSE" ? findPortHolder(port.protocol, port.hostPort) : undefined;
  const hint =
    code === "EADDRNOTAVAIL"
      ? `${port.hostIp} is not an address of this host`
      : holder === undefined
        ? `Find who uses port ${port.hostPort}, or publish another`
        : `Stop that process or publish another port`;
  const reason = `${reasons[code] ?? code}${holder === undefined ? "" : ` by process ${holder.name} (pid ${holder.pid})`}`;
  const binding = `${bracketed(port.hostIp)}:${port.hostPort}:${bracketed(port.containerIp)}:${port.containerPort}/${port.protocol}`;
  return errors["network-port-in-use"](owner.endpoint, binding, reason, hint);
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
