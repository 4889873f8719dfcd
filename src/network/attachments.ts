import { type Database, networkAttachmentTable, type NetworkEndpointRow, type NetworkPortRow } from "#db";

/** What a container holds: its places on networks and its published ports. */
export type Attachment = {
  readonly endpoints: readonly NetworkEndpointRow[];
  readonly ports: readonly NetworkPortRow[];
};

/** What all containers hold, in memory, written through to the database before anything is made in the kernel. */
export type Attachments = {
  get(containerId: string): Attachment | undefined;
  entries(): Iterable<readonly [string, Attachment]>;
  /** Durable when it returns. */
  insert(containerId: string, attachment: Attachment): void;
  delete(containerId: string): void;
};

export function createAttachments(database: Database): Attachments {
  const table = networkAttachmentTable(database);
  const held = new Map<string, { endpoints: NetworkEndpointRow[]; ports: NetworkPortRow[] }>();
  const entryOf = (containerId: string) => {
    let entry = held.get(containerId);
    if (entry === undefined) {
      entry = { endpoints: [], ports: [] };
      held.set(containerId, entry);
    }
    return entry;
  };
  for (const row of table.endpoints()) entryOf(row.container_id).endpoints.push(row);
  for (const row of table.ports()) entryOf(row.container_id).ports.push(row);

  return {
    get: (containerId) => held.get(containerId),
    entries: () => held.entries(),
    insert: (containerId, { endpoints, ports }) => {
      table.insert(endpoints, ports);
      held.set(containerId, { endpoints: [...endpoints], ports: [...ports] });
    },
    delete: (containerId) => {
      if (held.delete(containerId)) table.deleteOf(containerId);
    },
  };
}
