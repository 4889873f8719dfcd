import { errorMessage, type Logger } from "#base";
import {
  addMapElements,
  countNftablesElements,
  deleteMapElements,
  fingerprintTable,
  listNftablesChains,
  NETLINK_NETFILTER,
  type NftablesTable,
  type NetlinkSocket,
  nftablesGeneration,
  openNetlink,
  runNft,
} from "#linux";
import type { Family } from "../ipam/ip-address.ts";
import { createForeignForward } from "./foreign-forward.ts";
import { portElement } from "./port-elements.ts";
import {
  familyOfPort,
  type FirewallBridge,
  type FirewallPort,
  mapOfPort,
  portCollections,
  removalOf,
  rulesetOf,
} from "./ruleset.ts";

/** The instance's nftables tables, one a family, kept as they should be. All calls are synchronous and idempotent. */
export type Firewall = {
  /** Sets which bridges there are; replaces the tables when they changed. The one of IPv6 is there while a bridge has IPv6. */
  setBridges(bridges: readonly FirewallBridge[]): void;
  /** Adds ports in one transaction, about 10 µs each. */
  publish(ports: readonly FirewallPort[]): void;
  unpublish(ports: readonly FirewallPort[]): void;
  /**
   * Repairs the table and the accept rules in other programs' chains if anyone changed something since the last look:
   * 10 µs when nobody did. `thorough` also looks at what leaves no trace in nftables' generation (legacy iptables, interfaces).
   */
  verify(options: { readonly thorough: boolean }): void;
  /** Removes the table and the rules in other programs' chains. */
  remove(): void;
  close(): void;
};

/** Makes the firewall of an instance; nothing is on the host until there are bridges. */
export function createFirewall(options: {
  readonly table: string;
  readonly ruleComment: string;
  readonly route: NetlinkSocket;
  readonly logger: Logger;
}): Firewall {
  const { table, logger } = options;
  const socket = openNetlink(NETLINK_NETFILTER);
  const foreign = createForeignForward({
    socket,
    route: options.route,
    ownTable: table,
    comment: options.ruleComment,
    logger,
  });
  let bridges: readonly FirewallBridge[] = [];
  const ports = new Map<string, FirewallPort>();
  /** Tables that have been made. */
  let applied: readonly Family[] = [];
  let generation = 0;
  const fingerprints = new Map<Family, string | undefined>();

  const tableOf = (family: Family): NftablesTable => ({ family: family === 4 ? "ip" : "ip6", name: table });
  const keyOf = (port: FirewallPort): string =>
    `${port.linkedIp ?? ""} ${port.protocol} ${port.hostIp}:${port.hostPort} ${port.hostIp === "" ? `${port.containerIp}:${port.containerPort}` : ""}`;
  const bridgeNames = (): readonly string[] => bridges.map((bridge) => bridge.name);
  const ipv6BridgeNames = (): readonly string[] =>
    bridges.flatMap((bridge) => (bridge[6].subnets.length > 0 ? [bridge.name] : []));

  const apply = (): void => {
    const wanted: readonly Family[] = ipv6BridgeNames().length > 0 ? [4, 6] : [4];
    const all = [...ports.values()];
    const scripts = wanted.map((family) => rulesetOf(table, family, bridges, all));
    const removals = applied.filter((family) => !wanted.includes(family)).map((family) => removalOf(table, family));
    runNft([...scripts, ...removals].join(""));
    applied = wanted;
    for (const family of wanted) fingerprints.set(family, fingerprintTable(socket, tableOf(family)));
    foreign.reconcile(bridgeNames(), ipv6BridgeNames());
    generation = nftablesGeneration(socket);
  };

  const isTableIntact = (family: Family): boolean => {
    const own = [...ports.values()].filter((port) => familyOfPort(port) === family);
    const fingerprint = fingerprints.get(family);
    return (
      fingerprint !== undefined &&
      fingerprintTable(socket, tableOf(family)) === fingerprint &&
      countNftablesElements(socket, tableOf(family), "bridges") === bridges.length &&
      portCollections.every(
        (name) =>
          countNftablesElements(socket, tableOf(family), name) ===
          own.filter((port) => mapOfPort(port) === name).length,
      )
    );
  };
  const isIntact = (): boolean => applied.every(isTableIntact);

  const verify = ({ thorough }: { readonly thorough: boolean }): void => {
    if (applied.length === 0) return;
    const now = nftablesGeneration(socket);
    if (now !== generation) {
      if (!isIntact()) {
        logger.warn("nftables table was changed by another program; restoring it", { table });
        apply();
        return;
      }
      foreign.reconcile(bridgeNames(), ipv6BridgeNames());
      generation = nftablesGeneration(socket);
    } else if (thorough && foreign.needsWatching()) {
      foreign.reconcile(bridgeNames(), ipv6BridgeNames());
      generation = nftablesGeneration(socket);
    }
  };

  /** Changes elements in place; whatever is wrong with the tables, replacing them puts right. */
  const change = (changed: readonly FirewallPort[], send: typeof addMapElements): void => {
    if (applied.length === 0) return;
    try {
      for (const family of [4, 6] as const) {
        const elements = changed.filter((port) => familyOfPort(port) === family).map(portElement);
        if (elements.length === 0) continue;
        send(socket, tableOf(family), elements);
        // Our own commit raises the generation by one; anybody else's makes the next look a careful one.
        generation = (generation + 1) >>> 0;
      }
    } catch (error) {
      logger.warn("nftables table is not as expected; restoring it", { table, error: errorMessage(error) });
      apply();
    }
  };

  return {
    setBridges: (next) => {
      if (applied.length > 0 && JSON.stringify(next) === JSON.stringify(bridges)) return;
      bridges = next;
      apply();
    },
    publish: (added) => {
      if (added.length === 0) return;
      for (const port of added) ports.set(keyOf(port), port);
      change(added, addMapElements);
    },
    unpublish: (removed) => {
      const present = removed.filter((port) => ports.delete(keyOf(port)));
      if (present.length > 0) change(present, deleteMapElements);
    },
    verify,
    remove: () => {
      ports.clear();
      bridges = [];
      applied = [];
      foreign.reconcile([], []);
      // Asked by netlink first: at a daemon's start there is mostly nothing to remove, and a spawn takes 2 ms.
      const families = new Set(
        listNftablesChains(socket).flatMap((chain) => (chain.table === table ? [chain.family] : [])),
      );
      const scripts = ([4, 6] as const).flatMap((family) =>
        families.has(tableOf(family).family) ? [removalOf(table, family)] : [],
      );
      if (scripts.length > 0) runNft(scripts.join(""));
    },
    close: () => {
      socket.close();
    },
  };
}
