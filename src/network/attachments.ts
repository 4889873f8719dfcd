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
  /** All endpoints on a network. */
  on(networkId: string): readonly NetworkEndpointRow[];
  /** Adds what a container comes to hold. Durable when it returns. */
  insert(containerId: string, added: Attachment): void;
  /** Takes one endpoint from a container. Durable when it returns. */
  deleteEndpoint(containerId: string, endpointId: string): void;
  /** Sets which ports a container holds. Durable when it returns. */
  replacePorts(containerId: string, ports: readonly NetworkPortRow[]): void;
  /** Gives a container's endpoints other names. Durable when it returns. */
  rename(containerId: string, renamed: (row: NetworkEndpointRow) => NetworkEndpointRow): void;
  /**
   * Forgets it at once; the rows go with the next insert or a moment later, which spares a synchronous write to disk:
   * rows of an ended container that a crash leaves behind are dropped by `restore` in any case.
   */
  delete(containerId: string): void;
  /** Deletes the rows that are still to go. */
  flush(): void;
};

const flushDelayMs = 100;
const retryDelayMs = 5000;

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

  const ended = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flushLater = (delayMs: number): void => {
    timer ??= setTimeout(() => {
      try {
        flush();
      } catch {
        // The disk is full; the rows of what has ended are dropped by the next start in any case.
        flushLater(retryDelayMs);
      }
    }, delayMs);
    timer.unref();
  };
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (ended.size === 0) return;
    database.transaction(() => ended.forEach((containerId) => table.deleteOf(containerId)));
    ended.clear();
  };

  return {
    get: (containerId) => held.get(containerId),
    entries: () => held.entries(),
    on: (networkId) =>
      [...held.values()].flatMap(({ endpoints }) => endpoints.filter((row) => row.network_id === networkId)),
    insert: (containerId, { endpoints, ports }) => {
      database.transaction(() => {
        flush();
        table.insert(endpoints, ports);
      });
      const entry = entryOf(containerId);
      entry.endpoints.push(...endpoints);
      entry.ports.push(...ports);
    },
    deleteEndpoint: (containerId, endpointId) => {
      table.deleteEndpoint(endpointId);
      const entry = entryOf(containerId);
      entry.endpoints = entry.endpoints.filter((row) => row.endpoint_id !== endpointId);
    },
    replacePorts: (containerId, ports) => {
      table.replacePorts(containerId, ports);
      entryOf(containerId).ports = [...ports];
    },
    rename: (containerId, renamed) => {
      const entry = held.get(containerId);
      if (entry === undefined) return;
      const rows = entry.endpoints.map(renamed);
      database.transaction(() => rows.forEach(table.rename));
      entry.endpoints = rows;
    },
    delete: (containerId) => {
      if (!held.delete(containerId)) return;
      ended.add(containerId);
      flushLater(flushDelayMs);
    },
    flush,
  };
}
