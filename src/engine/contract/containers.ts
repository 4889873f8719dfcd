import type { ContainerId } from "#base";
import type { CreateContainerBody, UpdateContainerBody } from "#formats";
import type { LogReadOptions, LogRecord } from "#logs";
import type { AttachOptions, Attachment } from "./attachments.ts";
import type { ContainerView } from "./container-view.ts";
import type { StatsSample } from "./stats.ts";

/** Which end to wait for. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Containers by id, name (with or without slash) or unique id prefix; errors in Docker's words (docs/errors.md). */
export type ContainerService = {
  create(request: {
    readonly name?: string | undefined;
    readonly body: CreateContainerBody;
    readonly platform?: string | undefined;
  }): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }>;
  /** Rejects with not-modified when it runs already. `detachKeys` are the attach default of this start. */
  start(reference: string): Promise<void>;
  /** Stop signal, grace (seconds; undefined = container's StopTimeout or 10; -1 = for ever), SIGKILL. not-modified when stopped. */
  stop(
    reference: string,
    options: { readonly signal?: string | undefined; readonly timeoutSeconds?: number | undefined },
  ): Promise<void>;
  restart(
    reference: string,
    options: { readonly signal?: string | undefined; readonly timeoutSeconds?: number | undefined },
  ): Promise<void>;
  /** Default SIGKILL, which waits for the exit; any other signal returns at once. Unknown signal = invalid. */
  kill(reference: string, signal?: string): Promise<void>;
  pause(reference: string): Promise<void>;
  unpause(reference: string): Promise<void>;
  /** The promise in the result settles later; the call itself validates, so that headers can go out first. */
  wait(
    reference: string,
    condition: WaitCondition,
    signal?: AbortSignal,
  ): Promise<{ readonly result: Promise<{ readonly exitCode: number; readonly error?: string | undefined }> }>;
  remove(
    reference: string,
    options: { readonly force: boolean; readonly volumes: boolean; readonly link: boolean },
  ): Promise<void>;
  rename(reference: string, name: string): Promise<void>;
  update(reference: string, body: UpdateContainerBody): Promise<{ readonly warnings: readonly string[] }>;
  attach(reference: string, options: AttachOptions): Promise<Attachment>;
  resize(reference: string, size: { readonly height: number; readonly width: number }): Promise<void>;
  /** Throws not-found in Docker's words. Cheap: from memory. */
  get(reference: string): ContainerView;
  /** Containers, newest first: all, or those that run. From memory, each looked at when it is asked for. */
  list(which?: "all" | "running"): IterableIterator<ContainerView>;
  /** The name of the container with this id. */
  findName(id: ContainerId): string | undefined;
  /** Directories of its root file system by Docker's names ("UpperDir", …); undefined where it is one copy. */
  directories(reference: string): Readonly<Record<string, string>> | undefined;
  /** Bytes of the writable layer and of the whole root file system. */
  sizes(reference: string): Promise<{ readonly writableBytes: number; readonly rootFsBytes: number }>;
  logs(
    reference: string,
    options: LogReadOptions,
  ): Promise<{ readonly terminal: boolean; readonly records: AsyncIterable<LogRecord> }>;
  /** One reading; for a stopped container one without figures. */
  stats(reference: string): Promise<StatsSample>;
  /** `ps` of the host with `psArgs` ("-ef" default), lines of this container's processes. */
  top(
    reference: string,
    psArgs?: string,
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }>;
  /** Removes stopped containers. */
  prune(
    keep: (container: ContainerView) => boolean,
  ): Promise<{ readonly deleted: readonly ContainerId[]; readonly reclaimedBytes: number }>;
};
