import { createHash } from "node:crypto";
import { attributeText, eachAttribute, FLAG, parseAttributes, textAttribute } from "../netlink/message.ts";
import type { NetlinkReply, NetlinkSocket } from "../netlink/socket.ts";
import { familyNumber, netfilterHeader, NFNL_SUBSYS_NFTABLES, type NftablesTable } from "./elements.ts";

// include/uapi/linux/netfilter/nf_tables.h
const NFT_MSG_GETCHAIN = 4;
const NFT_MSG_GETRULE = 7;
const NFT_MSG_GETSETELEM = 13;
const NFT_MSG_GETGEN = 16;
const NFTA_GEN_ID = 1;
const NFTA_CHAIN = { table: 1, name: 3, hook: 4, policy: 5 } as const;
const NFTA_HOOK_HOOKNUM = 1;
const NFTA_RULE = { table: 1, chain: 2, handle: 3, userData: 7 } as const;
const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTNL_UDATA_RULE_COMMENT = 0;
const AF_UNSPEC = 0;
const NF_INET_FORWARD = 2;
const NF_DROP = 0;

const families: Readonly<Record<number, string>> = {
  1: "inet",
  2: "ip",
  10: "ip6",
  7: "bridge",
  3: "arp",
  5: "netdev",
};

/** A chain of any table on this host. */
export type NftablesChain = {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  /** It is a base chain on the forward hook. */
  readonly isForwardHook: boolean;
  /** Its policy is drop. */
  readonly dropsByDefault: boolean;
};

function ask(
  socket: NetlinkSocket,
  description: string,
  type: number,
  flags: number,
  ...parts: readonly Buffer[]
): readonly NetlinkReply[] {
  return socket.send({ description, type: (NFNL_SUBSYS_NFTABLES << 8) | type, flags, body: Buffer.concat(parts) });
}

/** The ruleset's generation: it grows with every committed change by anyone. About 10 µs. */
export function nftablesGeneration(socket: NetlinkSocket): number {
  const reply = ask(socket, "get nftables generation", NFT_MSG_GETGEN, 0, netfilterHeader(AF_UNSPEC))[0];
  const id = reply === undefined ? undefined : parseAttributes(reply.body.subarray(4)).get(NFTA_GEN_ID);
  return id?.readUInt32BE(0) ?? 0;
}

/** All chains of the namespace. */
export function listNftablesChains(socket: NetlinkSocket): readonly NftablesChain[] {
  return ask(socket, "list nftables chains", NFT_MSG_GETCHAIN, FLAG.dump, netfilterHeader(AF_UNSPEC)).map((reply) => {
    const attributes = parseAttributes(reply.body.subarray(4));
    const hook = attributes.get(NFTA_CHAIN.hook);
    const hookNumber = hook === undefined ? undefined : parseAttributes(hook).get(NFTA_HOOK_HOOKNUM);
    const family = reply.body.readUInt8(0);
    return {
      family: families[family] ?? String(family),
      table: attributeText(attributes.get(NFTA_CHAIN.table)),
      name: attributeText(attributes.get(NFTA_CHAIN.name)),
      isForwardHook: hookNumber?.readUInt32BE(0) === NF_INET_FORWARD,
      dropsByDefault: attributes.get(NFTA_CHAIN.policy)?.readUInt32BE(0) === NF_DROP,
    };
  });
}

/**
 * A hash of all rules and chains of a table, as the kernel numbers and stores them: differs when anyone
 * flushed, changed or re-made something. Undefined when the table is gone or empty.
 */
export function fingerprintTable(socket: NetlinkSocket, table: NftablesTable): string | undefined {
  const hash = createHash("sha1");
  const rules = ask(
    socket,
    `list rules of nftables table ${table.family} ${table.name}`,
    NFT_MSG_GETRULE,
    FLAG.dump,
    netfilterHeader(familyNumber(table.family)),
    textAttribute(NFTA_RULE.table, table.name),
  );
  if (rules.length === 0) return undefined;
  // The first four bytes carry the generation.
  for (const rule of rules) hash.update(rule.body.subarray(4));
  for (const chain of listNftablesChains(socket)) {
    if (chain.family === table.family && chain.table === table.name) hash.update(JSON.stringify(chain));
  }
  return hash.digest("hex");
}

/** A rule of a chain, as far as it can be told without reading its expressions. */
export type NftablesRule = { readonly handle: bigint; readonly comment: string };

/** The rules of a chain, in order. */
export function listNftablesRules(socket: NetlinkSocket, table: NftablesTable, chain: string): readonly NftablesRule[] {
  return ask(
    socket,
    `list rules of nftables chain ${table.family} ${table.name} ${chain}`,
    NFT_MSG_GETRULE,
    FLAG.dump,
    netfilterHeader(familyNumber(table.family)),
    textAttribute(NFTA_RULE.table, table.name),
    textAttribute(NFTA_RULE.chain, chain),
  ).flatMap((reply) => {
    const attributes = parseAttributes(reply.body.subarray(4));
    // Kernels before 4.17 do not filter by chain.
    if (attributeText(attributes.get(NFTA_RULE.chain)) !== chain) return [];
    const handle = attributes.get(NFTA_RULE.handle);
    if (handle?.length !== 8) return [];
    return [{ handle: handle.readBigUInt64BE(0), comment: commentOf(attributes.get(NFTA_RULE.userData)) }];
  });
}

/** The comment in a rule's user data: records of type, length and value, written by nft and iptables alike (libnftnl udata.h). */
function commentOf(data: Buffer | undefined): string {
  if (data === undefined) return "";
  for (let offset = 0; offset + 2 <= data.length;) {
    const length = data.readUInt8(offset + 1);
    if (data.readUInt8(offset) === NFTNL_UDATA_RULE_COMMENT) {
      return attributeText(data.subarray(offset + 2, offset + 2 + length));
    }
    offset += 2 + length;
  }
  return "";
}

/** How many elements a set or map holds; -1 when it is gone. */
export function countNftablesElements(socket: NetlinkSocket, table: NftablesTable, set: string): number {
  let count = 0;
  try {
    for (const reply of ask(
      socket,
      `list elements of ${table.family} ${table.name} ${set}`,
      NFT_MSG_GETSETELEM,
      FLAG.dump,
      netfilterHeader(familyNumber(table.family)),
      textAttribute(NFTA_SET_ELEM_LIST.table, table.name),
      textAttribute(NFTA_SET_ELEM_LIST.set, set),
    )) {
      const elements = parseAttributes(reply.body.subarray(4)).get(NFTA_SET_ELEM_LIST.elements);
      if (elements !== undefined) for (const _ of eachAttribute(elements)) count++;
    }
  } catch (error) {
    // ENOENT: the set is gone, which the caller sees as a count that cannot be.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return -1;
    throw error;
  }
  return count;
}
