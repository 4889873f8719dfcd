import { type Digest, digestOf } from "#base";
import type { ContainerConfig } from "#formats";
import type { FileOperation } from "../plan/operation.ts";

/** Raise it when a step's meaning changes, so that results of an older builder are not taken for new ones. */
const generation = 1;

/** What of the build's options decides a RUN's result; limits of memory and CPU do not. */
export type RunEnvironment = {
  readonly platform: string;
  readonly network: string;
  /** Names only: addresses may change from day to day. */
  readonly hostNames: readonly string[];
  readonly shmSizeBytes: number | undefined;
  readonly ulimits: readonly string[];
  readonly securityOpt: readonly string[];
};

function keyOf(document: Readonly<Record<string, unknown>>): string {
  return digestOf(JSON.stringify({ generation, ...document }));
}

/**
 * The key of RUN is its definition and the layers below it. Layers, not the steps that made them: two ways to one file
 * system share what follows, and an edit of a label changes nothing.
 */
export function runKey(
  operation: Extract<FileOperation, { kind: "run" }>,
  below: readonly Digest[],
  environment: RunEnvironment,
): string {
  return keyOf({
    kind: "run",
    below,
    args: operation.args,
    environment: operation.keyedEnvironment,
    directory: operation.directory,
    user: operation.user,
    script: operation.script ?? null,
    ...environment,
    network: operation.network ?? environment.network,
  });
}

/** The key of COPY and ADD is where the files go and how, and the digest of what is copied. */
export function copyKey(
  operation: Extract<FileOperation, { kind: "copy" }>,
  below: readonly Digest[],
  content: readonly string[],
): string {
  return keyOf({
    kind: "copy",
    below,
    content,
    destination: operation.destination,
    owner: operation.owner ?? null,
    keepsOwner: operation.owner === undefined && operation.origin.kind !== "context",
    mode: operation.mode ?? null,
    unpack: operation.unpack ?? operation.instruction === "ADD",
  });
}

/** The key of a WORKDIR's directory. */
export function workdirKey(operation: Extract<FileOperation, { kind: "workdir" }>, below: readonly Digest[]): string {
  return keyOf({ kind: "workdir", below, path: operation.path, user: operation.user });
}

/** The key of an image made by a config edit alone; what is kept under it is the time it was first made. */
export function configKey(parent: string, createdBy: string, config: ContainerConfig): string {
  return keyOf({ kind: "config", parent, createdBy, config });
}

/** The key of what a COPY --from selects in immutable layers. */
export function selectionKey(
  layers: readonly Digest[],
  operation: Extract<FileOperation, { kind: "copy" }>,
  keepsOwner: boolean,
): string {
  return keyOf({ kind: "selection", layers, sources: operation.sources, excludes: operation.excludes, keepsOwner });
}
