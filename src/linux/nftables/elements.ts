import { attribute, FLAG, nested, textAttribute } from "../netlink/message.ts";
import type { NetlinkRequest, NetlinkSocket } from "../netlink/socket.ts";

// include/uapi/linux/netfilter/nfnetlink.h and nf_tables.h
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
export const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWSETELEM = 12;
const NFT_MSG_DELSETELEM = 14;
const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_DATA_VALUE = 1;

/** An element of a map, or, without a value, of a set: as the kernel stores them (each field of a concatenation padded to four bytes). */
export type MapElement = { readonly map: string; readonly key: Buffer; readonly value: Buffer | undefined };

/** A table of the families our own tables are of. */
export type NftablesTable = { readonly family: "ip" | "ip6"; readonly name: string };

/** The number of a family (linux/netfilter.h, NFPROTO_*). */
export function familyNumber(family: NftablesTable["family"]): number {
  return family === "ip" ? 2 : 10;
}

/** struct nfgenmsg. */
export function netfilterHeader(family: number, resource = 0): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt8(family, 0);
  buffer.writeUInt16BE(resource, 2);
  return buffer;
}

/** Adds map elements to a table in one transaction: all or none. About 10 µs each, whatever the map holds. */
export function addMapElements(socket: NetlinkSocket, table: NftablesTable, elements: readonly MapElement[]): void {
  sendElements(socket, "add", table, elements);
}

/** Deletes map elements in one transaction; fails with ENOENT, and deletes none, when one is missing. */
export function deleteMapElements(socket: NetlinkSocket, table: NftablesTable, elements: readonly MapElement[]): void {
  sendElements(socket, "delete", table, elements);
}

function sendElements(
  socket: NetlinkSocket,
  verb: "add" | "delete",
  table: NftablesTable,
  elements: readonly MapElement[],
): void {
  if (elements.length === 0) return;
  const type = (NFNL_SUBSYS_NFTABLES << 8) | (verb === "add" ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
  const parts: Omit<NetlinkRequest, "description">[] = [];
  for (const { map, key, value } of elements) {
    const item = [nested(NFTA_SET_ELEM_KEY, attribute(NFTA_DATA_VALUE, key))];
    if (verb === "add" && value !== undefined) item.push(nested(NFTA_SET_ELEM_DATA, attribute(NFTA_DATA_VALUE, value)));
    parts.push({
      type,
      flags: verb === "add" ? FLAG.create : 0,
      body: Buffer.concat([
        netfilterHeader(familyNumber(table.family)),
        textAttribute(NFTA_SET_ELEM_LIST.table, table.name),
        textAttribute(NFTA_SET_ELEM_LIST.set, map),
        nested(NFTA_SET_ELEM_LIST.elements, nested(NFTA_LIST_ELEM, ...item)),
      ]),
    });
  }
  sendTransaction(
    socket,
    `${verb} ${elements.length} map elements of nftables table ${table.family} ${table.name}`,
    parts,
  );
}

/** Sends changes that the kernel makes together or not at all. */
export function sendTransaction(
  socket: NetlinkSocket,
  description: string,
  parts: readonly Omit<NetlinkRequest, "description">[],
): void {
  const header = netfilterHeader(0, NFNL_SUBSYS_NFTABLES);
  socket.sendBatch(description, [
    { type: NFNL_MSG_BATCH_BEGIN, flags: 0, body: header },
    ...parts,
    { type: NFNL_MSG_BATCH_END, flags: 0, body: header },
  ]);
}
