import type { DiskUsageResponse, EventMessage, InfoResponse, JsonMessage, VersionResponse } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import { readJsonStream, readLines } from "../json-stream.ts";
import type { Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";

export type EventOptions = CallOptions & {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly filters?: Filters | undefined;
  /** Called once the daemon listens: nothing that happens later is missed. */
  readonly onOpen?: () => void;
};

/** What a check of the store found. */
export type StoreCheckReport = {
  readonly Layers: number;
  readonly LayerBytes: number;
  readonly Images: number;
  readonly Damage: readonly {
    readonly Kind: string;
    readonly Id: string;
    readonly Reason: string;
    readonly Images: readonly {
      readonly Id: string;
      readonly Names: readonly string[];
      readonly Containers: readonly string[];
    }[];
  }[];
};

/** What concerns the daemon as a whole. */
export function createSystem(transport: Transport) {
  return {
    async version(options: CallOptions = {}): Promise<VersionResponse> {
      return (await transport.request("GET", "/version", { signal: options.signal })).json();
    },

    /** Reads everything that is stored; the last record's `aux` is a StoreCheckReport. */
    async *check(options: CallOptions = {}): AsyncGenerator<JsonMessage, void> {
      const response = await transport.request("POST", "/system/check", { area: "berth", signal: options.signal });
      yield* readJsonStream<JsonMessage>(response.body);
    },

    async info(options: CallOptions = {}): Promise<InfoResponse> {
      return (await transport.request("GET", "/info", { signal: options.signal })).json();
    },

    /** Checks credentials at a registry; the token, when there is one, stands for the password from then on. */
    async auth(
      credentials: {
        readonly username?: string;
        readonly password?: string;
        readonly identitytoken?: string;
        readonly serveraddress: string;
      },
      options: CallOptions = {},
    ): Promise<{ Status: string; IdentityToken: string }> {
      const answer = await transport.request("POST", "/auth", { json: credentials, signal: options.signal });
      const { Status: status = "", IdentityToken: token = "" } = await answer.json<{
        Status?: string;
        IdentityToken?: string;
      }>();
      return { Status: status, IdentityToken: token };
    },

    async diskUsage(options: CallOptions = {}): Promise<DiskUsageResponse> {
      return (await transport.request("GET", "/system/df", { signal: options.signal })).json();
    },

    /** Events as they happen; `since` and `until` are unix seconds with an optional fraction. */
    async *events(options: EventOptions = {}): AsyncGenerator<EventMessage, void> {
      for await (const { event } of this.eventRecords(options)) yield event;
    },

    /** The same with each event's own text, whose `timeNano` has digits a JavaScript number cannot hold. */
    async *eventRecords(options: EventOptions = {}): AsyncGenerator<{ event: EventMessage; text: string }, void> {
      const query = { filters: encodeFilters(options.filters), since: options.since, until: options.until };
      const response = await transport.request("GET", "/events", { query, signal: options.signal });
      options.onOpen?.();
      for await (const text of readLines(response.body)) yield { event: JSON.parse(text) as EventMessage, text };
    },
  };
}
