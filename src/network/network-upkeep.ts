import type { Logger } from "#base";
import type { NetlinkSocket } from "#linux";
import type { Attachments } from "./attachments.ts";
import { ensureBridge, hostMtu, rejoinBridge, removeBridge } from "./bridge/bridge-device.ts";
import type { Firewall } from "./firewall/firewall.ts";
import { ensureParent, removeParent } from "./lan/parent-interface.ts";
import type { NetworkRegistry } from "./network-registry.ts";
import { deviceOf, firewallBridgeOf, type WorkingNetwork } from "./working-network.ts";

/** What networks have on the host: bridges, parent interfaces, the firewall. */
export type NetworkUpkeep = {
  /** Brings a network up, with its firewall, if it is not yet; returns it, for the default bridge's subnet may have moved. */
  bringUp(network: WorkingNetwork): WorkingNetwork;
  /** Makes again what somebody removed. */
  remake(network: WorkingNetwork): void;
  /** Takes a network without endpoints off the host. */
  tearDown(network: WorkingNetwork): void;
  /** Tells the firewall which bridges are up. */
  syncFirewall(): void;
  /** MTU of bridges without one of their own. */
  mtu(): number;
};

export function createNetworkUpkeep(parts: {
  readonly route: NetlinkSocket;
  readonly registry: NetworkRegistry;
  readonly attachments: Attachments;
  readonly firewall: Firewall;
  readonly logger: Logger;
  readonly mtu: number | undefined;
  /** Whether the kernel is told to forward. */
  readonly forwards: boolean;
}): NetworkUpkeep {
  const { route, registry, attachments, firewall, logger } = parts;
  let known: number | undefined;
  const mtu = (): number => {
    known ??= parts.mtu ?? hostMtu(route);
    return known;
  };

  const syncFirewall = (): void => {
    const up = registry.bridges().filter((network) => network.index !== undefined);
    firewall.setBridges(up.map(firewallBridgeOf));
  };

  /** The network's interface on the host; true when it was made just now. */
  const ensure = (network: WorkingNetwork): boolean => {
    if (network.driver !== "bridge") {
      network.index = ensureParent(route, network.parent);
      return false;
    }
    const { index, created } = ensureBridge(
      route,
      deviceOf(network, {
        hostMtu: mtu(),
        forwards: parts.forwards,
        isDefault: registry.isPredefined(network.record),
      }),
    );
    network.index = index;
    if (created) {
      const rows = attachments.on(network.record.id);
      rejoinBridge(
        route,
        index,
        rows.map((row) => row.host_interface),
      );
    }
    return created;
  };

  return {
    bringUp: (asked) => {
      if (asked.index !== undefined) return asked;
      const isIdleDefault = registry.isPredefined(asked.record) && attachments.on(asked.record.id).length === 0;
      const network = isIdleDefault ? registry.settleDefaultBridge() : asked;
      ensure(network);
      if (network.driver === "bridge") syncFirewall();
      logger.debug("network is up", { network: network.record.name });
      return network;
    },
    remake: (network) => {
      if (ensure(network)) {
        logger.warn("bridge had been removed by another program; made again", { network: network.record.name });
      }
    },
    tearDown: (network) => {
      if (network.driver === "bridge") removeBridge(route, network.bridgeName);
      else removeParent(route, network.parent);
      network.index = undefined;
    },
    syncFirewall,
    mtu,
  };
}
