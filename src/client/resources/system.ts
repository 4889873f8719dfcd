import type { DiskUsageResponse, EventMessage, InfoResponse, VersionResponse } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import { readJsonStream } from "../json-stream.ts";
import type { Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";

/** What concerns the daemon as a whole. */
export function createSystem(transport: Transport) {
  return {
    async version(options: CallOptions = {}): Promise<VersionResponse> {
      return (await transport.request("GET", "/version", { signal: options.signal })).json();
    },

    async info(options: CallOptions = {}): Promise<InfoResponse> {
      return (await transport.request("GET", "/info", { signal: options.signal })).json();
    },

    async diskUsage(options: CallOptions = {}): Promise<DiskUsageResponse> {
      return (await transport.request("GET", "/system/df", { signal: options.signal })).json();
    },

    /** Events as they happen; `since` and `until` are unix seconds with an optional fraction. */
    async *events(
      options: CallOptions & {
        readonly since?: string | undefined;
        readonly until?: string | undefined;
        readonly filters?: Filters | undefined;
        /** Called once the daemon listens: nothing that happens later is missed. */
        readonly onOpen?: () => void;
      } = {},
    ): AsyncGenerator<EventMessage, void> {
      const query = { filters: encodeFilters(options.filters), since: options.since, until: options.until };
      const response = await transport.request("GET", "/events", { query, signal: options.signal });
      options.onOpen?.();
      yield* readJsonStream<EventMessage>(response.body);
    },
  };
}
