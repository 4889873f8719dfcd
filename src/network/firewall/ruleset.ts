/** A bridge as the firewall sees it. */
export type FirewallBridge = {
  readonly name: string;
  /** "172.17.0.0/16" */
  readonly subnet: string;
  readonly internal: boolean;
  readonly masquerade: boolean;
  readonly interContainer: boolean;
};

/** A published port as the firewall sees it. */
export type FirewallPort = {
  readonly protocol: "tcp" | "udp" | "sctp";
  /** "0.0.0.0" = all addresses of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
};

/** Map of ports published on one host address, and map of those published on all. */
export const addressMap = "ports_address";
export const wildcardMap = "ports_any";

function set(name: string, type: string, elements: readonly string[], flags = ""): string {
  const content = elements.length === 0 ? "" : ` elements = { ${elements.join(", ")} };`;
  return `  set ${name} { type ${type};${flags}${content} }`;
}

function map(name: string, type: string, elements: readonly string[]): string {
  const content = elements.length === 0 ? "" : ` elements = { ${elements.join(", ")} };`;
  return `  map ${name} { type ${type};${content} }`;
}

const quoted = (bridge: FirewallBridge): string => `"${bridge.name}"`;

/**
 * The whole table as an nft script that replaces it in one transaction. Rules never change with containers: a start
 * or stop only adds or deletes elements of the two port maps, so its cost does not grow with what is published.
 */
export function rulesetOf(table: string, bridges: readonly FirewallBridge[], ports: readonly FirewallPort[]): string {
  const byAddress = ports.filter((port) => port.hostIp !== "0.0.0.0");
  const wildcard = ports.filter((port) => port.hostIp === "0.0.0.0");
  const target = (port: FirewallPort): string => `${port.containerIp} . ${port.containerPort}`;
  const open = bridges.filter((bridge) => !bridge.internal);
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
${set("bridges", "ifname", bridges.map(quoted))}
${set("internal", "ifname", bridges.filter((bridge) => bridge.internal).map(quoted))}
${set(
  "same_bridge",
  "ifname . ifname",
  bridges.filter((bridge) => bridge.interContainer).map((bridge) => `${quoted(bridge)} . ${quoted(bridge)}`),
)}
${set(
  "subnets",
  "ipv4_addr",
  bridges.map((bridge) => bridge.subnet),
  " flags interval;",
)}
${set(
  "masqueraded",
  "ipv4_addr",
  open.filter((bridge) => bridge.masquerade).map((bridge) => bridge.subnet),
  " flags interval;",
)}
${map(
  addressMap,
  "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
  byAddress.map((port) => `${port.hostIp} . ${port.protocol} . ${port.hostPort} : ${target(port)}`),
)}
${map(
  wildcardMap,
  "inet_proto . inet_service : ipv4_addr . inet_service",
  wildcard.map((port) => `${port.protocol} . ${port.hostPort} : ${target(port)}`),
)}

  # Bridges route 127/8 (route_localnet) for answers to the host's loopback; containers must not use that way in.
  chain raw_prerouting {
    type filter hook prerouting priority -300; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
  }

  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @${addressMap}
    dnat ip to meta l4proto . th dport map @${wildcardMap}
  }

  # Translation comes before the kernel's check for martians: without the first rule a neighbour could reach a
  # port published on 127.0.0.1 by sending to that address.
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 return
    fib daddr type local jump publish
  }

  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local jump publish
  }

  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname @bridges ip saddr 127.0.0.0/8 masquerade
    oifname @bridges ct status dnat ip saddr @subnets masquerade
    oifname != @bridges ip saddr @masqueraded masquerade
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
    iifname @internal drop
    oifname @internal drop
    ct status dnat accept
    drop
  }
}
`;
}
