import type {
  ContainerInspect,
  ContainerSummary,
  CreateContainerBody,
  FilesystemChange,
  StatsResponse,
  TopResponse,
  UpdateContainerBody,
  WaitResponse,
} from "#formats";
import { encodeFilters, type Filters } from "../filters.ts";
import { readFrames, readRawAsFrames, readerOf, type OutputFrame } from "../frames.ts";
import { readJsonStream } from "../json-stream.ts";
import type { HijackedStream, StreamingResponse, Transport } from "../transport.ts";
import { segment } from "./paths.ts";

export type CallOptions = { readonly signal?: AbortSignal | undefined };

export type ListContainersOptions = CallOptions & {
  readonly all?: boolean;
  readonly limit?: number | undefined;
  readonly size?: boolean;
  readonly filters?: Filters | undefined;
};

/** Which part of a log to read, and whether to go on. */
export type LogsOptions = CallOptions & {
  readonly follow?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly timestamps?: boolean;
  readonly tail?: string | undefined;
  readonly details?: boolean;
};

/** Which streams to join. */
export type AttachOptions = CallOptions & {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly logs?: boolean;
  readonly detachKeys?: string | undefined;
};

/** What `HEAD …/archive` tells of a path in a container; `mode` has Go's file mode bits. */
export type PathStat = { name: string; size: number; mode: number; mtime: string; linkTarget: string };

export type PruneReport = { ContainersDeleted?: string[] | null; SpaceReclaimed: number };

function readPathStat(headers: ReadonlyMap<string, string>): PathStat {
  const encoded = headers.get("x-docker-container-path-stat") ?? "";
  return JSON.parse(Buffer.from(encoded, "base64").toString("utf8")) as PathStat;
}

/** The `/containers` routes. Names and ids are both accepted; every call throws the daemon's error as EngineError. */
export function createContainers(transport: Transport) {
  const at = (id: string, action = "") => `/containers/${segment(id)}${action}`;

  async function send(
    method: string,
    path: string,
    options: Parameters<Transport["request"]>[2] = {},
  ): Promise<number> {
    const response = await transport.request(method, path, options);
    await response.text();
    return response.status;
  }

  return {
    async list(options: ListContainersOptions = {}): Promise<ContainerSummary[]> {
      const query = {
        all: options.all,
        limit: options.limit,
        size: options.size,
        filters: encodeFilters(options.filters),
      };
      return (await transport.request("GET", "/containers/json", { query, signal: options.signal })).json();
    },

    async create(
      body: CreateContainerBody,
      options: CallOptions & { readonly name?: string | undefined; readonly platform?: string | undefined } = {},
    ): Promise<{ Id: string; Warnings: string[] | null }> {
      const query = { name: options.name, platform: options.platform };
      const response = await transport.request("POST", "/containers/create", {
        query,
        json: body,
        signal: options.signal,
      });
      return response.json();
    },

    async inspect(id: string, options: CallOptions & { readonly size?: boolean } = {}): Promise<ContainerInspect> {
      const request = { query: { size: options.size }, signal: options.signal };
      return (await transport.request("GET", at(id, "/json"), request)).json();
    },

    /** Returns false when it was running already. */
    async start(
      id: string,
      options: CallOptions & { readonly detachKeys?: string | undefined } = {},
    ): Promise<boolean> {
      const query = { detachKeys: options.detachKeys };
      return (await send("POST", at(id, "/start"), { query, signal: options.signal, accept: [304] })) !== 304;
    },

    /** Returns false when it was not running. */
    async stop(
      id: string,
      options: CallOptions & { readonly timeoutSeconds?: number | undefined; readonly signalName?: string } = {},
    ): Promise<boolean> {
      const query = { t: options.timeoutSeconds, signal: options.signalName };
      return (await send("POST", at(id, "/stop"), { query, signal: options.signal, accept: [304] })) !== 304;
    },

    async restart(
      id: string,
      options: CallOptions & { readonly timeoutSeconds?: number | undefined; readonly signalName?: string } = {},
    ): Promise<void> {
      const query = { t: options.timeoutSeconds, signal: options.signalName };
      await send("POST", at(id, "/restart"), { query, signal: options.signal });
    },

    async kill(id: string, signalName = "", options: CallOptions = {}): Promise<void> {
      await send("POST", at(id, "/kill"), { query: { signal: signalName }, signal: options.signal });
    },

    async pause(id: string, options: CallOptions = {}): Promise<void> {
      await send("POST", at(id, "/pause"), { signal: options.signal });
    },

    async unpause(id: string, options: CallOptions = {}): Promise<void> {
      await send("POST", at(id, "/unpause"), { signal: options.signal });
    },

    async rename(id: string, name: string, options: CallOptions = {}): Promise<void> {
      await send("POST", at(id, "/rename"), { query: { name }, signal: options.signal });
    },

    async remove(
      id: string,
      options: CallOptions & { readonly force?: boolean; readonly volumes?: boolean; readonly link?: boolean } = {},
    ): Promise<void> {
      const query = { force: options.force, link: options.link, v: options.volumes };
      await send("DELETE", at(id), { query, signal: options.signal });
    },

    async update(
      id: string,
      body: UpdateContainerBody,
      options: CallOptions = {},
    ): Promise<{ Warnings: string[] | null }> {
      return (await transport.request("POST", at(id, "/update"), { json: body, signal: options.signal })).json();
    },

    /**
     * Resolves as soon as the daemon has registered the wait, so that a start that follows cannot be missed;
     * `exited` settles when the condition holds.
     */
    async wait(
      id: string,
      options: CallOptions & { readonly condition?: "not-running" | "next-exit" | "removed" } = {},
    ): Promise<{ exited: Promise<WaitResponse> }> {
      const query = { condition: options.condition };
      const response = await transport.request("POST", at(id, "/wait"), { query, signal: options.signal });
      const exited = response.json<WaitResponse>();
      // The caller may drop it (`run --detach`); a lost connection must not become an unhandled rejection.
      exited.catch(() => {});
      return { exited };
    },

    attach(id: string, options: AttachOptions): Promise<HijackedStream> {
      const query = {
        detachKeys: options.detachKeys,
        logs: options.logs,
        stderr: options.stderr,
        stdin: options.stdin,
        stdout: options.stdout,
        stream: true,
      };
      return transport.hijack(at(id, "/attach"), {
        query,
        headers: { "Content-Type": "text/plain" },
        signal: options.signal,
      });
    },

    /** The log as frames; `terminal` says that the container has a TTY, whose log is one unframed stream. */
    async *logs(id: string, terminal: boolean, options: LogsOptions): AsyncGenerator<OutputFrame, void> {
      const query = {
        details: options.details,
        follow: options.follow,
        since: options.since,
        stderr: options.stderr,
        stdout: options.stdout,
        tail: options.tail,
        timestamps: options.timestamps,
        until: options.until,
      };
      const response = await transport.request("GET", at(id, "/logs"), { query, signal: options.signal });
      const read = readerOf(response.body);
      yield* terminal ? readRawAsFrames(read) : readFrames(read);
    },

    /** One reading; `oneShot` skips the second sample that CPU percentages need. */
    async statsOnce(id: string, options: CallOptions & { readonly oneShot?: boolean } = {}): Promise<StatsResponse> {
      const query = { stream: "0", "one-shot": options.oneShot };
      return (await transport.request("GET", at(id, "/stats"), { query, signal: options.signal })).json();
    },

    async *stats(id: string, options: CallOptions = {}): AsyncGenerator<StatsResponse, void> {
      const request = { query: { stream: true }, signal: options.signal };
      yield* readJsonStream<StatsResponse>((await transport.request("GET", at(id, "/stats"), request)).body);
    },

    async top(id: string, psArguments = "", options: CallOptions = {}): Promise<TopResponse> {
      const request = { query: { ps_args: psArguments }, signal: options.signal };
      return (await transport.request("GET", at(id, "/top"), request)).json();
    },

    async changes(id: string, options: CallOptions = {}): Promise<FilesystemChange[]> {
      const response = await transport.request("GET", at(id, "/changes"), { signal: options.signal });
      return (await response.json<FilesystemChange[] | null>()) ?? [];
    },

    async exportTar(id: string, options: CallOptions = {}): Promise<AsyncIterable<Uint8Array>> {
      return (await transport.request("GET", at(id, "/export"), { signal: options.signal })).body;
    },

    async resize(id: string, size: { rows: number; columns: number }, options: CallOptions = {}): Promise<void> {
      await send("POST", at(id, "/resize"), { query: { h: size.rows, w: size.columns }, signal: options.signal });
    },

    async statPath(id: string, path: string, options: CallOptions = {}): Promise<PathStat> {
      const response = await transport.request("HEAD", at(id, "/archive"), {
        query: { path },
        signal: options.signal,
      });
      await response.text();
      return readPathStat(response.headers);
    },

    async readArchive(
      id: string,
      path: string,
      options: CallOptions = {},
    ): Promise<{ stat: PathStat; tar: AsyncIterable<Uint8Array>; response: StreamingResponse }> {
      const response = await transport.request("GET", at(id, "/archive"), { query: { path }, signal: options.signal });
      return { stat: readPathStat(response.headers), tar: response.body, response };
    },

    async writeArchive(
      id: string,
      path: string,
      tar: AsyncIterable<Uint8Array>,
      options: CallOptions & { readonly copyOwnership?: boolean; readonly allowOverwriteDirectory?: boolean } = {},
    ): Promise<void> {
      const query = {
        copyUIDGID: options.copyOwnership === true ? "true" : undefined,
        noOverwriteDirNonDir: options.allowOverwriteDirectory === true ? undefined : "true",
        path,
      };
      await send("PUT", at(id, "/archive"), {
        query,
        stream: tar,
        headers: { "Content-Type": "application/x-tar" },
        signal: options.signal,
      });
    },

    async commit(options: {
      readonly container: string;
      readonly repository?: string;
      readonly tag?: string;
      readonly comment?: string;
      readonly author?: string;
      readonly changes?: readonly string[];
      readonly pause?: boolean;
      readonly signal?: AbortSignal | undefined;
    }): Promise<{ Id: string }> {
      const query = {
        author: options.author,
        changes: options.changes,
        comment: options.comment,
        container: options.container,
        pause: options.pause === false ? "0" : undefined,
        repo: options.repository,
        tag: options.tag,
      };
      return (await transport.request("POST", "/commit", { query, signal: options.signal })).json();
    },

    async prune(filters?: Filters, options: CallOptions = {}): Promise<PruneReport> {
      const query = { filters: encodeFilters(filters) };
      return (await transport.request("POST", "/containers/prune", { query, signal: options.signal })).json();
    },
  };
}
