import type { IpamPool } from "#formats";
import { cliErrors } from "../errors.ts";
import { parseMap } from "./key-values.ts";

function toNumber(address: string): bigint | undefined {
  if (address.includes(":")) {
    const [head = "", tail] = address.split("::");
    const groups = (text: string) => (text === "" ? [] : text.split(":"));
    const left = groups(head);
    const right = tail === undefined ? [] : groups(tail);
    const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
    return [...left, ...zeros, ...right].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group || "0"}`), 0n);
  }
  if (!/^\d+(?:\.\d+){3}$/.test(address)) return undefined;
  return address.split(".").reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function contains(subnet: string, address: string): boolean {
  const [network = "", prefix = ""] = subnet.split("/");
  const plain = address.split("/")[0] ?? "";
  if (network.includes(":") !== plain.includes(":")) return false;
  const base = toNumber(network);
  const candidate = toNumber(plain);
  if (base === undefined || candidate === undefined) return false;
  const shift = BigInt((network.includes(":") ? 128 : 32) - Number(prefix));
  return base >> shift === candidate >> shift;
}

/** Gives each subnet its range, gateway and reserved addresses; docker's sentences for what fits nowhere. */
export function parseIpam(
  subnets: readonly string[],
  ranges: readonly string[],
  gateways: readonly string[],
  auxiliary: readonly string[],
): IpamPool[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw cliErrors["bad-option"]("every ip-range or gateway must have a corresponding subnet");
  }
  const pools = subnets.map((Subnet): IpamPool => ({ Subnet }));
  const poolOf = (address: string, sentence: string): IpamPool => {
    const pool = pools.find(({ Subnet }) => contains(Subnet ?? "", address));
    if (pool === undefined) throw cliErrors["bad-option"](sentence);
    return pool;
  };
  for (const range of ranges) poolOf(range, `no matching subnet for range ${range}`).IPRange = range;
  for (const gateway of gateways) poolOf(gateway, `no matching subnet for gateway ${gateway}`).Gateway = gateway;
  for (const [name, address] of Object.entries(parseMap(auxiliary))) {
    const pool = poolOf(address, `no matching subnet for aux-address ${address}`);
    pool.AuxiliaryAddresses = { ...pool.AuxiliaryAddresses, [name]: address };
  }
  return pools;
}
