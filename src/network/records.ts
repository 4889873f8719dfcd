import type { NetworkRow } from "#db";
import type { NetworkDriver, NetworkPool, NetworkRecord } from "./contract.ts";

const drivers: readonly NetworkDriver[] = ["bridge", "host", "null", "macvlan", "ipvlan"];

/** A record as a row of the database. */
export function rowOf(record: NetworkRecord): NetworkRow {
  return {
    id: record.id,
    name: record.name,
    driver: record.driver,
    created_ms: record.createdMs,
    pools: JSON.stringify(record.pools),
    settings: JSON.stringify({
      enableIpv4: record.enableIpv4,
      enableIpv6: record.enableIpv6,
      attachable: record.attachable,
      configOnly: record.configOnly,
      configFrom: record.configFrom,
      ipamDriver: record.ipamDriver,
      ipamOptions: record.ipamOptions,
    }),
    internal: record.internal ? 1 : 0,
    bridge_name: record.bridgeName ?? null,
    options: JSON.stringify(record.options),
    labels: JSON.stringify(record.labels),
  };
}

/** A row of the database as a record. */
export function recordOf(row: NetworkRow): NetworkRecord {
  const settings = JSON.parse(row.settings) as Partial<NetworkRecord>;
  return {
    id: row.id,
    name: row.name,
    driver: drivers.find((driver) => driver === row.driver) ?? "bridge",
    createdMs: row.created_ms,
    enableIpv4: settings.enableIpv4 ?? true,
    enableIpv6: settings.enableIpv6 ?? false,
    pools: poolsOf(row.pools),
    ipamDriver: settings.ipamDriver ?? "default",
    ipamOptions: settings.ipamOptions ?? null,
    internal: row.internal === 1,
    attachable: settings.attachable ?? false,
    configOnly: settings.configOnly ?? false,
    configFrom: settings.configFrom ?? "",
    bridgeName: row.bridge_name ?? undefined,
    options: JSON.parse(row.options) as Record<string, string>,
    labels: JSON.parse(row.labels) as Record<string, string>,
  };
}

/** Pools that a migration wrote have null for what is absent, and a number for `given`. */
function poolsOf(text: string): readonly NetworkPool[] {
  const pools = JSON.parse(text) as {
    subnet: string;
    gateway?: string | null;
    ipRange?: string | null;
    auxiliaryAddresses?: Record<string, string> | null;
    given: boolean | number;
  }[];
  return pools.map((pool) => ({
    subnet: pool.subnet,
    gateway: pool.gateway ?? undefined,
    ipRange: pool.ipRange ?? undefined,
    auxiliaryAddresses: pool.auxiliaryAddresses ?? undefined,
    given: Boolean(pool.given),
  }));
}
