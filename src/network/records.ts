import type { NetworkRow } from "#db";
import type { NetworkRecord } from "./contract.ts";

/** A record as a row of the database. */
export function rowOf(record: NetworkRecord, subnetGiven: boolean): NetworkRow {
  return {
    id: record.id,
    name: record.name,
    driver: record.driver,
    created_ms: record.createdMs,
    subnet: record.subnet ?? null,
    gateway: record.gateway ?? null,
    ip_range: record.ipRange ?? null,
    subnet_given: subnetGiven ? 1 : 0,
    internal: record.internal ? 1 : 0,
    bridge_name: record.bridgeName ?? null,
    options: JSON.stringify(record.options),
    labels: JSON.stringify(record.labels),
  };
}

/** A row of the database as a record. */
export function recordOf(row: NetworkRow): NetworkRecord {
  return {
    id: row.id,
    name: row.name,
    driver: row.driver === "host" ? "host" : row.driver === "null" ? "null" : "bridge",
    createdMs: row.created_ms,
    subnet: row.subnet ?? undefined,
    gateway: row.gateway ?? undefined,
    ipRange: row.ip_range ?? undefined,
    internal: row.internal === 1,
    bridgeName: row.bridge_name ?? undefined,
    options: JSON.parse(row.options) as Record<string, string>,
    labels: JSON.parse(row.labels) as Record<string, string>,
  };
}
