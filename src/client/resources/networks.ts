import type { ConnectNetworkBody, CreateNetworkBody, NetworkDocument } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import type { Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";
import { segment } from "./paths.ts";

/** The `/networks` routes. */
export function createNetworks(transport: Transport) {
  const at = (name: string, action = "") => `/networks/${segment(name)}${action}`;
  return {
    async list(options: CallOptions & { readonly filters?: Filters | undefined } = {}): Promise<NetworkDocument[]> {
      const query = { filters: encodeFilters(options.filters) };
      return (await transport.request("GET", "/networks", { query, signal: options.signal })).json();
    },

    async inspect(
      name: string,
      options: CallOptions & { readonly verbose?: boolean; readonly scope?: string } = {},
    ): Promise<NetworkDocument> {
      const query = { scope: options.scope, verbose: options.verbose === true ? "true" : undefined };
      return (await transport.request("GET", at(name), { query, signal: options.signal })).json();
    },

    async create(body: CreateNetworkBody, options: CallOptions = {}): Promise<{ Id: string; Warning?: string }> {
      return (await transport.request("POST", "/networks/create", { json: body, signal: options.signal })).json();
    },

    async remove(name: string, options: CallOptions = {}): Promise<void> {
      await (await transport.request("DELETE", at(name), { signal: options.signal })).text();
    },

    async connect(name: string, body: ConnectNetworkBody, options: CallOptions = {}): Promise<void> {
      await (await transport.request("POST", at(name, "/connect"), { json: body, signal: options.signal })).text();
    },

    async disconnect(name: string, container: string, force: boolean, options: CallOptions = {}): Promise<void> {
      const json = { Container: container, Force: force };
      await (await transport.request("POST", at(name, "/disconnect"), { json, signal: options.signal })).text();
    },

    async prune(filters?: Filters, options: CallOptions = {}): Promise<{ NetworksDeleted?: string[] | null }> {
      const query = { filters: encodeFilters(filters) };
      return (await transport.request("POST", "/networks/prune", { query, signal: options.signal })).json();
    },
  };
}
