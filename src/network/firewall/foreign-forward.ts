import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { errorMessage, type Logger } from "#base";
import {
  listLinks,
  listNftablesChains,
  listNftablesRules,
  listRoutes,
  type NetlinkSocket,
  type NftablesChain,
  runNft,
} from "#linux";

/**
 * Accept rules in other programs' forward chains. A packet must pass every forward chain: where dockerd (or a
 * firewall made with iptables) drops by default, our own table's accept does not help. So each bridge gets the fewest
 * rules that let it work: all traffic to it (our own table decides about that), and traffic from it to the host's
 * uplinks, but not to other programs' bridges, whose protection may rest on that very policy.
 */
export type ForeignForward = {
  /** Makes the rules marked with our comment be exactly those needed for `bridges`, and for those of them with IPv6. */
  reconcile(bridges: readonly string[], ipv6Bridges: readonly string[]): void;
  /** True while there is something whose changes nftables' generation does not show. */
  needsWatching(): boolean;
};

/** Where rules live: iptables on nftables, or legacy iptables. */
type Backend = {
  readonly name: string;
  /** Chain to put rules into; undefined when nothing drops by default. */
  readonly target: () => string | undefined;
  /** Our rules in a chain: key is "in>out". */
  readonly list: (chain: string) => readonly { readonly key: string; readonly remove: () => void }[];
  readonly add: (chain: string, rules: readonly ForwardRule[]) => void;
};

type ForwardRule = { readonly input: string | undefined; readonly output: string | undefined };

const chains = ["DOCKER-USER", "FORWARD"] as const;
const keyOf = (rule: ForwardRule): string => `${rule.input ?? ""}>${rule.output ?? ""}`;

export function createForeignForward(options: {
  readonly socket: NetlinkSocket;
  readonly route: NetlinkSocket;
  readonly ownTable: string;
  readonly comment: string;
  readonly logger: Logger;
}): ForeignForward {
  const { logger, comment } = options;
  let active = false;
  const warned = new Set<string>();

  const reconcileBackend = (backend: Backend, bridges: readonly string[], present: readonly string[]): boolean => {
    const target = bridges.length === 0 ? undefined : backend.target();
    const wanted = new Map<string, ForwardRule>();
    if (target !== undefined) {
      const uplinks = listUplinks(options.route, bridges);
      for (const bridge of bridges) {
        for (const rule of [
          { input: undefined, output: bridge },
          ...uplinks.map((uplink) => ({ input: bridge, output: uplink })),
        ]) {
          wanted.set(keyOf(rule), rule);
        }
      }
    }
    for (const chain of present) {
      for (const { key, remove } of backend.list(chain)) {
        if (chain !== target || !wanted.delete(key)) remove();
      }
    }
    if (target !== undefined && wanted.size > 0) {
      backend.add(target, [...wanted.values()]);
      logger.info("accept rules added to another program's forward chain, which drops by default", {
        backend: backend.name,
        chain: target,
        rules: wanted.size,
      });
    }
    return target !== undefined;
  };

  const warnAbout = (all: readonly NftablesChain[], bridges: readonly string[]): void => {
    if (bridges.length === 0) return;
    for (const chain of all) {
      const name = `${chain.family} ${chain.table} ${chain.name}`;
      if (!chain.isForwardHook || !chain.dropsByDefault || warned.has(name)) continue;
      if (/^ip6? filter FORWARD$/.test(name) || chain.table === options.ownTable) continue;
      warned.add(name);
      logger.warn("a firewall chain drops forwarded packets by default; containers may be cut off", {
        chain: name,
        hint: `add rules that accept from and to ${bridges.join(", ")}`,
      });
    }
  };

  return {
    reconcile: (bridges, ipv6Bridges) => {
      active = false;
      try {
        const all = listNftablesChains(options.socket);
        for (const [family, names] of [
          ["ip", bridges],
          ["ip6", ipv6Bridges],
        ] as const) {
          const filter = all.filter((chain) => chain.family === family && chain.table === "filter");
          const present = chains.filter((name) => filter.some((chain) => chain.name === name));
          if (present.length === 0) continue;
          const inForce = reconcileBackend(nftBackend(options.socket, family, comment, filter), names, present);
          active ||= inForce;
        }
        warnAbout(all, bridges);
        if (usesLegacyTables()) {
          const backend = legacyBackend(comment);
          const inForce = reconcileBackend(backend, bridges, chains.filter(legacyChainExists));
          active ||= inForce;
        }
      } catch (error) {
        // Another program is changing its chains at this moment, or uses rules we cannot list; the next look tries again.
        logger.warn("cannot adapt other programs' forward rules", { error: errorMessage(error) });
      }
    },
    needsWatching: () => active || usesLegacyTables(),
  };
}

/** Interfaces that lead out of the host: not loopback, no bridge or veth (unless a default route uses it), no member of a bridge. */
function listUplinks(route: NetlinkSocket, bridges: readonly string[]): readonly string[] {
  const defaults = new Set(
    listRoutes(route).flatMap((entry) => (entry.prefixLength === 0 ? [entry.interfaceIndex] : [])),
  );
  return listLinks(route).flatMap((link) => {
    if (link.loopback || !link.up || bridges.includes(link.name)) return [];
    const leadsOut = defaults.has(link.index) || (link.kind !== "bridge" && link.kind !== "veth" && link.master === 0);
    return leadsOut ? [link.name] : [];
  });
}

/**
 * iptables on nftables: comments are nft's own, and rules of either tool are readable by both. The comment says what
 * the rule matches, so that looking takes one netlink dump; only a change spawns nft.
 */
function nftBackend(
  socket: NetlinkSocket,
  family: "ip" | "ip6",
  comment: string,
  filter: readonly NftablesChain[],
): Backend {
  const prefix = `${comment} `;
  return {
    name: "nftables",
    target: () => {
      const drops = filter.some((chain) => chain.name === "FORWARD" && chain.isForwardHook && chain.dropsByDefault);
      if (!drops) return undefined;
      return filter.some((chain) => chain.name === "DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
    },
    list: (chain) =>
      listNftablesRules(socket, { family, name: "filter" }, chain).flatMap((rule) => {
        if (!rule.comment.startsWith(prefix)) return [];
        const remove = (): void => void runNft(`delete rule ${family} filter ${chain} handle ${rule.handle}`);
        return [{ key: rule.comment.slice(prefix.length), remove }];
      }),
    add: (chain, rules) => {
      const place = placeIn(family, chain);
      const lines = rules.map((rule) => {
        const { input, output } = rule;
        const matches = `${input === undefined ? "" : `iifname "${input}" `}${output === undefined ? "" : `oifname "${output}" `}`;
        return `${place} ${matches}counter accept comment "${prefix}${keyOf(rule)}"\n`;
      });
      runNft(lines.join(""));
    },
  };
}

/** Where a rule goes: before dockerd's rules, but after the administrator's own in DOCKER-USER. */
function placeIn(family: "ip" | "ip6", chain: string): string {
  if (chain === "FORWARD") return `insert rule ${family} filter ${chain}`;
  const lines = runNft(`list chain ${family} filter ${chain}`).split("\n");
  const rules = lines.filter((line) => / # handle \d+$/.test(line) && !/^\s*(table|chain) /.test(line));
  // dockerd 20 closes the chain with a return, after which nothing is reached.
  const closing = /^\s*(?:counter packets \d+ bytes \d+ )?return # handle (\d+)$/.exec(rules.at(-1) ?? "")?.[1];
  const table = `${family} filter ${chain}`;
  return closing === undefined ? `add rule ${table}` : `insert rule ${table} position ${closing}`;
}

/** True when legacy iptables has its filter table in this namespace. */
function usesLegacyTables(): boolean {
  try {
    return readFileSync("/proc/thread-self/net/ip_tables_names", "latin1").split("\n").includes("filter");
  } catch {
    // No legacy iptables in this kernel.
    return false;
  }
}

function legacy(...args: readonly string[]): { readonly ok: boolean; readonly lines: readonly string[] } {
  const result = spawnSync("iptables-legacy", ["-w", "5", ...args], { encoding: "utf8" });
  return { ok: result.status === 0, lines: (result.stdout ?? "").split("\n") };
}

function legacyChainExists(chain: string): boolean {
  return legacy("-S", chain).ok;
}

/** Legacy iptables, by its command: rare, and its kernel interface replaces whole tables. */
function legacyBackend(comment: string): Backend {
  const matchOf = ({ input, output }: ForwardRule): readonly string[] => [
    ...(input === undefined ? [] : ["-i", input]),
    ...(output === undefined ? [] : ["-o", output]),
    "-m",
    "comment",
    "--comment",
    comment,
    "-j",
    "ACCEPT",
  ];
  return {
    name: "legacy iptables",
    target: () => {
      if (!legacy("-S", "FORWARD").lines.includes("-P FORWARD DROP")) return undefined;
      return legacyChainExists("DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
    },
    list: (chain) =>
      legacy("-S", chain).lines.flatMap((line) => {
        if (!line.split(" ").some((word) => word.replaceAll('"', "") === comment)) return [];
        const rule = { input: / -i (\S+)/.exec(line)?.[1], output: / -o (\S+)/.exec(line)?.[1] };
        return [{ key: keyOf(rule), remove: () => void legacy("-D", chain, ...matchOf(rule)) }];
      }),
    add: (chain, added) => {
      for (const rule of added) {
        const rules = legacy("-S", chain).lines.filter((line) => line.startsWith("-A "));
        const position =
          chain === "FORWARD" ? 1 : rules.at(-1) === `-A ${chain} -j RETURN` ? rules.length : rules.length + 1;
        legacy("-I", chain, String(position), ...matchOf(rule));
      }
    },
  };
}
