import type { CreateExecBody, ExecInspect } from "#formats";
import type { HijackedStream, Transport } from "../transport.ts";
import type { CallOptions } from "./containers.ts";
import { segment } from "./paths.ts";

/** Commands run inside a running container: `/containers/{id}/exec` and `/exec`. */
export function createExec(transport: Transport) {
  const at = (id: string, action: string) => `/exec/${segment(id)}/${action}`;
  return {
    async create(container: string, body: CreateExecBody, options: CallOptions = {}): Promise<{ Id: string }> {
      const path = `/containers/${segment(container)}/exec`;
      return (await transport.request("POST", path, { json: body, signal: options.signal })).json();
    },

    /** Starts it and takes over the connection for its input and output. */
    start(
      id: string,
      options: CallOptions & { readonly terminal?: boolean; readonly consoleSize?: readonly [number, number] } = {},
    ): Promise<HijackedStream> {
      const json = {
        Detach: false,
        Tty: options.terminal ?? false,
        ...(options.consoleSize !== undefined && { ConsoleSize: options.consoleSize }),
      };
      return transport.hijack(at(id, "start"), { json, signal: options.signal });
    },

    async startDetached(id: string, options: CallOptions & { readonly terminal?: boolean } = {}): Promise<void> {
      const json = { Detach: true, Tty: options.terminal ?? false };
      await (await transport.request("POST", at(id, "start"), { json, signal: options.signal })).text();
    },

    async inspect(id: string, options: CallOptions = {}): Promise<ExecInspect> {
      return (await transport.request("GET", at(id, "json"), { signal: options.signal })).json();
    },

    async resize(id: string, size: { rows: number; columns: number }, options: CallOptions = {}): Promise<void> {
      const query = { h: size.rows, w: size.columns };
      await (await transport.request("POST", at(id, "resize"), { query, signal: options.signal })).text();
    },
  };
}
