import { errorMessage, type Logger } from "#base";
import {
  addMapElements,
  countNftablesElements,
  deleteMapElements,
  fingerprintTable,
  listNftablesChains,
  NETLINK_NETFILTER,
  type NetlinkSocket,
  nftablesGeneration,
  openNetlink,
  runNft,
} from "#linux";
import { createForeignForward } from "./foreign-forward.ts";
import { portElement } from "./port-elements.ts";
import { addressMap, type FirewallBridge, type FirewallPort, rulesetOf, wildcardMap } from "./ruleset.ts";

/** The instance's nftables table, kept as it should be. All calls are synchronous and idempotent. */
export type Firewall = {
  /** Sets which bridges there are; replaces the table when they changed. */
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
  let applied = false;
  let generation = 0;
  let fingerprint: string | undefined;

  const keyOf = (port: FirewallPort): string => `${port.protocol} ${port.hostIp}:${port.hostPort}`;
  const bridgeNames = (): readonly string[] => bridges.map((bridge) => bridge.name);

  const apply = (): void => {
    runNft(rulesetOf(table, bridges, [...ports.values()]));
    applied = true;
    fingerprint = fingerprintTable(socket, table);
    foreign.reconcile(bridgeNames());
    generation = nftablesGeneration(socket);
  };

  const isIntact = (): boolean => {
    const wildcard = [...ports.values()].filter((port) => port.hostIp === "0.0.0.0").length;
    return (
      fingerprint !== undefined &&
      fingerprintTable(socket, table) === fingerprint &&
      countNftablesElements(socket, table, "bridges") === bridges.length &&
      countNftablesElements(socket, table, wildcardMap) === wildcard &&
      countNftablesElements(socket, table, addressMap) === ports.size - wildcard
    );
  };

  const verify = ({ thorough }: { readonly thorough: boolean }): void => {
    if (!applied) return;
    const now = nftablesGeneration(socket);
    if (now !== generation) {
      if (!isIntact()) {
        logger.warn("nftables table was changed by another program; restoring it", { table });
        apply();
        return;
      }
      foreign.reconcile(bridgeNames());
      generation = nftablesGeneration(socket);
    } else if (thorough && foreign.needsWatching()) {
      foreign.reconcile(bridgeNames());
      generation = nftablesGeneration(socket);
    }
  };

  /** Changes elements in place; whatever is wrong with the table, replacing it puts right. */
  const change = (work: () => void): void => {
    if (!applied) return;
    try {
      work();
      // Our own commit raises the generation by one; anybody else's makes the next look a careful one.
      generation = (generation + 1) >>> 0;
    } catch (error) {
      logger.warn("nftables table is not as expected; restoring it", { table, error: errorMessage(error) });
      apply();
    }
  };

  return {
    setBridges: (next) => {
      if (applied && JSON.stringify(next) === JSON.stringify(bridges)) return;
      bridges = next;
      apply();
    },
    publish: (added) => {
      if (added.length === 0) return;
      for (const port of added) ports.set(keyOf(port), port);
      change(() => addMapElements(socket, table, added.map(portElement)));
    },
    unpublish: (removed) => {
      const present = removed.filter((port) => ports.delete(keyOf(port)));
      if (present.length > 0) change(() => deleteMapElements(socket, table, present.map(portElement)));
    },
    verify,
    remove: () => {
      ports.clear();
      bridges = [];
      applied = false;
      foreign.reconcile([]);
      // Asked by netlink first: at a daemon's start there is mostly nothing to remove, and a spawn takes 2 ms.
      const present = listNftablesChains(socket).some((chain) => chain.family === "ip" && chain.table === table);
      if (present) runNft(`delete table ip ${table}\n`);
    },
    close: () => {
      socket.close();
    },
  };
}
