import type { CreateVolumeBody, VolumeDocument, VolumeListResponse } from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import type { Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";
import { segment } from "./paths.ts";

/** The `/volumes` routes. */
export function createVolumes(transport: Transport) {
  const at = (name: string) => `/volumes/${segment(name)}`;
  return {
    async list(options: CallOptions & { readonly filters?: Filters | undefined } = {}): Promise<VolumeListResponse> {
      const query = { filters: encodeFilters(options.filters) };
      return (await transport.request("GET", "/volumes", { query, signal: options.signal })).json();
    },

    async inspect(name: string, options: CallOptions = {}): Promise<VolumeDocument> {
      return (await transport.request("GET", at(name), { signal: options.signal })).json();
    },

    async create(body: CreateVolumeBody, options: CallOptions = {}): Promise<VolumeDocument> {
      return (await transport.request("POST", "/volumes/create", { json: body, signal: options.signal })).json();
    },

    async remove(name: string, options: CallOptions & { readonly force?: boolean } = {}): Promise<void> {
      const request = { query: { force: options.force }, signal: options.signal };
      await (await transport.request("DELETE", at(name), request)).text();
    },

    async prune(
      filters?: Filters,
      options: CallOptions = {},
    ): Promise<{ VolumesDeleted?: string[] | null; SpaceReclaimed: number }> {
      const query = { filters: encodeFilters(filters) };
      return (await transport.request("POST", "/volumes/prune", { query, signal: options.signal })).json();
    },
  };
}
