import type { Attachments } from "./attachments.ts";
import type { LinkedPorts } from "./contract.ts";
import type { Firewall } from "./firewall/firewall.ts";
import type { FirewallPort } from "./firewall/ruleset.ts";
import type { NetworkRegistry } from "./network-registry.ts";

/** Links between containers of the default bridge, where only they let neighbours reach each other. */
export type Links = {
  /** See `NetworkService.setLinks`. */
  set(containerId: string, links: readonly LinkedPorts[]): void;
  /** A container ends: neither its links nor those to it mean anything any more. */
  forget(containerId: string): void;
};

type OpenPort = { readonly to: string; readonly port: FirewallPort };

/** Keeps the firewall's elements of links; nothing is stored, the engine says them again after a start. */
export function createLinks(parts: {
  readonly registry: NetworkRegistry;
  readonly attachments: Attachments;
  readonly firewall: Firewall;
}): Links {
  const { registry, attachments, firewall } = parts;
  const open = new Map<string, readonly OpenPort[]>();

  /** The address on the default bridge; undefined where neighbours need no links, or there is none. */
  const addressOf = (containerId: string): string | undefined => {
    for (const row of attachments.get(containerId)?.endpoints ?? []) {
      const network = registry.working(row.network_id);
      if (network?.driver !== "bridge" || !registry.isPredefined(network.record)) continue;
      return network.options.interContainer ? undefined : (row.ipv4 ?? undefined);
    }
    return undefined;
  };

  const portsOf = (from: string, { containerId, ports }: LinkedPorts): readonly OpenPort[] => {
    const address = addressOf(containerId);
    if (address === undefined) return [];
    return ports.flatMap((text): OpenPort[] => {
      const [, number = "", protocol = ""] = /^(\d+)\/(tcp|udp|sctp)$/.exec(text) ?? [];
      if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") return [];
      const containerPort = Number(number);
      const port: FirewallPort = {
        protocol,
        hostIp: "",
        hostPort: containerPort,
        containerIp: address,
        containerPort,
        linkedIp: from,
      };
      return [{ to: containerId, port }];
    });
  };

  const replace = (containerId: string, next: readonly OpenPort[]): void => {
    const before = open.get(containerId) ?? [];
    if (next.length === 0) open.delete(containerId);
    else open.set(containerId, next);
    firewall.unpublish(before.filter((one) => !next.includes(one)).map(({ port }) => port));
    firewall.publish(next.filter((one) => !before.includes(one)).map(({ port }) => port));
  };

  return {
    set: (containerId, links) => {
      if (links.length === 0 && !open.has(containerId)) return;
      const from = addressOf(containerId);
      replace(containerId, from === undefined ? [] : links.flatMap((link) => portsOf(from, link)));
    },
    forget: (containerId) => {
      if (open.size === 0) return;
      replace(containerId, []);
      for (const [from, ports] of [...open]) {
        const left = ports.filter(({ to }) => to !== containerId);
        if (left.length < ports.length) replace(from, left);
      }
    },
  };
}
