import { type Family, parseIp } from "../ipam/ip-address.ts";

/** A bridge as the firewall sees it. */
export type FirewallBridge = {
  readonly name: string;
  readonly internal: boolean;
  readonly interContainer: boolean;
  readonly 4: FirewallSide;
  readonly 6: FirewallSide;
};

/** What concerns one family. */
type FirewallSide = {
  /** "172.17.0.0/16" */
  readonly subnets: readonly string[];
  readonly masquerade: boolean;
  /** Other hosts reach every port of the containers by their own addresses. */
  readonly unprotected: boolean;
  /** The host's address that outgoing connections take. @default that of the interface they leave by */
  readonly hostAddress: string | undefined;
};

/** A published port as the firewall sees it. */
export type FirewallPort = {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** "0.0.0.0" or "::" = all addresses of the host; "" = open on the container's own address, without translation. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
  /** Open to this neighbour alone, on a bridge whose containers do not reach each other: the port of a link. */
  readonly linkedIp?: string;
};

/**
 * Map of ports published on one host address, map of those published on all, set of those open on containers' own, and
 * set of those open to one neighbour.
 */
export const addressMap = "ports_address";
export const wildcardMap = "ports_any";
export const routedSet = "ports_routed";
export const linkedSet = "ports_linked";
/** All of them. */
export const portCollections = [addressMap, wildcardMap, routedSet, linkedSet] as const;

/** The family of the table a port belongs to. */
export function familyOfPort(port: FirewallPort): Family {
  return parseIp(port.containerIp)?.family ?? 4;
}

/** The map or set a port is an element of. */
export function mapOfPort(port: FirewallPort): (typeof portCollections)[number] {
  if (port.linkedIp !== undefined) return linkedSet;
  if (port.hostIp === "") return routedSet;
  return port.hostIp === "0.0.0.0" || port.hostIp === "::" ? wildcardMap : addressMap;
}

function set(name: string, type: string, elements: readonly string[], flags = ""): string {
  const content = elements.length === 0 ? "" : ` elements = { ${elements.join(", ")} };`;
  return `  set ${name} { type ${type};${flags}${content} }`;
}

function map(name: string, type: string, elements: readonly string[]): string {
  const content = elements.length === 0 ? "" : ` elements = { ${elements.join(", ")} };`;
  return `  map ${name} { type ${type};${content} }`;
}

const quoted = (bridge: FirewallBridge): string => `"${bridge.name}"`;

/** Words of nft that differ between the families. */
const words = {
  4: { table: "ip", ip: "ip", type: "ipv4_addr", loopback: "127.0.0.0/8" },
  6: { table: "ip6", ip: "ip6", type: "ipv6_addr", loopback: "::1" },
} as const;

/** A script that removes a table, there or not. */
export function removalOf(table: string, family: Family): string {
  const name = `${words[family].table} ${table}`;
  return `add table ${name}\ndelete table ${name}\n`;
}

/**
 * The whole table of a family as an nft script that replaces it in one transaction. Rules never change with containers:
 * a start or stop only adds or deletes elements of the port maps, so its cost does not grow with what is published.
 */
export function rulesetOf(
  table: string,
  family: Family,
  bridges: readonly FirewallBridge[],
  ports: readonly FirewallPort[],
): string {
  const { ip, type, loopback, table: tableFamily } = words[family];
  const inMap = (name: string): readonly FirewallPort[] =>
    ports.filter((port) => familyOfPort(port) === family && mapOfPort(port) === name);
  const target = (port: FirewallPort): string => `${port.containerIp} . ${port.containerPort}`;
  const open = bridges.filter((bridge) => !bridge.internal && bridge[family].masquerade);
  const translated = open.filter((bridge) => bridge[family].hostAddress !== undefined);
  const subnetsOf = (some: readonly FirewallBridge[]): readonly string[] =>
    some.flatMap((bridge) => bridge[family].subnets);
  // As Docker's rules of links: from one to the other's port, and from that port back.
  const linked = {
    there: `${ip} saddr . ${ip} daddr . meta l4proto . th dport @${linkedSet}`,
    back: `${ip} daddr . ${ip} saddr . meta l4proto . th sport @${linkedSet}`,
  };
  return `${removalOf(table, family)}table ${tableFamily} ${table} {
${set("bridges", "ifname", bridges.map(quoted))}
${set("internal", "ifname", bridges.filter((bridge) => bridge.internal).map(quoted))}
${set("unprotected", "ifname", bridges.filter((bridge) => bridge[family].unprotected).map(quoted))}
${set(
  "same_bridge",
  "ifname . ifname",
  bridges.filter((bridge) => bridge.interContainer).map((bridge) => `${quoted(bridge)} . ${quoted(bridge)}`),
)}
${set("subnets", type, subnetsOf(bridges), " flags interval;")}
${set("masqueraded", type, subnetsOf(open), " flags interval;")}
${map(
  addressMap,
  `${type} . inet_proto . inet_service : ${type} . inet_service`,
  inMap(addressMap).map((port) => `${port.hostIp} . ${port.protocol} . ${port.hostPort} : ${target(port)}`),
)}
${map(
  wildcardMap,
  `inet_proto . inet_service : ${type} . inet_service`,
  inMap(wildcardMap).map((port) => `${port.protocol} . ${port.hostPort} : ${target(port)}`),
)}
${set(
  routedSet,
  `${type} . inet_proto . inet_service`,
  inMap(routedSet).map((port) => `${port.containerIp} . ${port.protocol} . ${port.containerPort}`),
)}
${set(
  linkedSet,
  `${type} . ${type} . inet_proto . inet_service`,
  inMap(linkedSet).map(
    (port) => `${port.linkedIp ?? ""} . ${port.containerIp} . ${port.protocol} . ${port.containerPort}`,
  ),
)}

  # Bridges route 127/8 (route_localnet) for answers to the host's loopback; containers must not use that way in.
  chain raw_prerouting {
    type filter hook prerouting priority -300; policy accept;
    iifname @bridges ${ip} daddr ${loopback} drop
    # What links allow is led back into the bridge it came from: nobody's translation may touch it (br_netfilter would
    # then send it straight to the other port, which is isolated).
    iifname @bridges ${linked.there} notrack
    iifname @bridges ${linked.back} notrack
  }

  chain publish {
    dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @${addressMap}
    dnat ${ip} to meta l4proto . th dport map @${wildcardMap}
  }

  # Translation comes before the kernel's check for martians: without the first rule a neighbour could reach a
  # port published on loopback by sending to that address.
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname != "lo" ${ip} daddr ${loopback} return
    fib daddr type local jump publish
  }

  chain output {
    type nat hook output priority -100; policy accept;
${family === 6 ? "    # The kernel routes nothing from ::1 to another interface; unanswered is worse than refused.\n    ip6 daddr ::1 return\n" : ""}    fib daddr type local jump publish
  }

  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname @bridges ${ip} saddr ${loopback} masquerade
    oifname @bridges ct status dnat ${ip} saddr @subnets masquerade
${translated
  .flatMap((bridge) =>
    bridge[family].subnets.map(
      (subnet) => `    oifname != @bridges ${ip} saddr ${subnet} snat to ${bridge[family].hostAddress}\n`,
    ),
  )
  .join("")}    oifname != @bridges ${ip} saddr @masqueraded masquerade
  }

  chain forward {
    type filter hook forward priority 0; policy accept;
    oifname @bridges goto to_container
    iifname @internal drop
  }

  # From other hosts and other bridges: only what is published, by the published way.
  chain to_container {
    ct state established,related accept
    iifname . oifname @same_bridge accept
    ${linked.there} accept
    ${linked.back} accept
    iifname @internal drop
    oifname @internal drop
    ct status dnat accept
    ${ip} daddr . meta l4proto . th dport @${routedSet} accept
    oifname @unprotected accept
    drop
  }
}
`;
}
