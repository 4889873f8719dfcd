import type { BuildAnswer, BuildProgress, BuildRecordDocument, SolveBuildBody } from "#formats";
import { readJsonStream } from "../json-stream.ts";
import type { HijackedStream, Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";

/** Berth's own way to build, and the history of builds. */
export function createSolve(transport: Transport) {
  const at = (reference: string, rest: string) => `/builds/${encodeURIComponent(reference)}${rest}`;
  return {
    /** Begins a build and yields what it says, the result or error last. Undefined from a daemon that has no such route. */
    async start(
      body: SolveBuildBody,
      options: CallOptions & { readonly registryConfig?: string | undefined } = {},
    ): Promise<AsyncGenerator<BuildAnswer, void> | undefined> {
      const response = await transport.request("POST", "/builds", {
        area: "berth",
        json: body,
        headers: options.registryConfig === undefined ? {} : { "X-Registry-Config": options.registryConfig },
        signal: options.signal,
        accept: [404],
      });
      if (response.status === 404) {
        await response.text();
        return undefined;
      }
      return readJsonStream<BuildAnswer>(response.body);
    },

    /** Brings an archive that a build asked for under a name. */
    async upload(reference: string, name: string, stream: AsyncIterable<Uint8Array>, options: CallOptions = {}) {
      const response = await transport.request("POST", at(reference, `/uploads/${encodeURIComponent(name)}`), {
        area: "berth",
        stream,
        signal: options.signal,
      });
      await response.text();
    },

    /** An output of a build as an archive; undefined when the build ends without one. */
    async output(
      reference: string,
      number: number,
      options: CallOptions = {},
    ): Promise<AsyncIterable<Uint8Array> | undefined> {
      const response = await transport.request("POST", at(reference, `/outputs/${number}`), {
        area: "berth",
        signal: options.signal,
      });
      if (response.status !== 204) return response.body;
      await response.text();
      return undefined;
    },

    /** A connection that a step will use to talk to an agent; rejects when the build ends without one. */
    agent(reference: string, id: string, options: CallOptions = {}): Promise<HijackedStream> {
      return transport.hijack(at(reference, `/agents/${encodeURIComponent(id)}`), {
        area: "berth",
        signal: options.signal,
      });
    },

    /** Newest first. */
    async list(): Promise<readonly BuildRecordDocument[]> {
      return (await transport.request("GET", "/builds", { area: "berth" })).json();
    },

    async inspect(reference: string): Promise<BuildRecordDocument> {
      return (await transport.request("GET", at(reference, ""), { area: "berth" })).json();
    },

    async log(reference: string, options: CallOptions = {}): Promise<AsyncGenerator<BuildProgress, void>> {
      const response = await transport.request("GET", at(reference, "/log"), { area: "berth", signal: options.signal });
      return readJsonStream<BuildProgress>(response.body);
    },

    async remove(reference: string): Promise<void> {
      await (await transport.request("DELETE", at(reference, ""), { area: "berth" })).text();
    },

    async pin(reference: string, pinned: boolean): Promise<void> {
      const query = pinned ? {} : { pinned: "0" };
      await (await transport.request("POST", at(reference, "/pin"), { area: "berth", query })).text();
    },
  };
}
