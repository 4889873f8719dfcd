import { type Digest, digestOf } from "#base";
import type { ContainerConfig } from "#formats";
import type { FileOperation } from "../plan/operation.ts";

/** Raise it when a step's meaning changes, so that results of an older builder are not taken for new ones. */
const generation = 3;

/** What of the build's options decides a RUN's result; limits of memory and CPU do not. */
export type RunEnvironment = {
  readonly platform: string;
  readonly network: string;
  /** Names only: addresses may change from day to day. */
  readonly hostNames: readonly string[];
  readonly shmSizeBytes: number | undefined;
  readonly ulimits: readonly string[];
  readonly securityOpt: readonly string[];
  readonly cgroupParent: string | undefined;
  readonly epoch: number | undefined;
};

function keyOf(document: Readonly<Record<string, unknown>>): string {
  return digestOf(JSON.stringify({ generation, ...document }));
}

/** What of a mount decides a RUN's result: its place, and of a bind what is in it; no cache's id, no secret's value. */
export type MountKey = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * The key of RUN is its definition and the layers below it. Layers, not the steps that made them: two ways to one file
 * system share what follows, and an edit of a label changes nothing.
 */
export function runKey(
  operation: Extract<FileOperation, { kind: "run" }>,
  below: readonly Digest[],
  environment: RunEnvironment,
  mounts: readonly MountKey[] = [],
): string {
  return keyOf({
    kind: "run",
    below,
    args: operation.args,
    environment: operation.keyedEnvironment,
    directory: operation.directory,
    user: operation.user,
    script: operation.script ?? null,
    ...(operation.security === "sandbox" ? {} : { security: operation.security }),
    ...(operation.hostname === undefined ? {} : { hostname: operation.hostname }),
    ...(operation.devices.length === 0 ? {} : { devices: operation.devices }),
    ...(mounts.length === 0 ? {} : { mounts }),
    ...environment,
    cgroupParent: environment.cgroupParent || undefined,
    network: operation.network ?? environment.network,
  });
}

/** The key of COPY and ADD is where the files go and how, and the digest of what is copied. */
export function copyKey(
  operation: Extract<FileOperation, { kind: "copy" }>,
  below: readonly Digest[],
  content: readonly string[],
  dialect: "classic" | "buildkit",
): string {
  return keyOf({
    kind: "copy",
    below,
    content,
    destination: operation.destination,
    owner: operation.owner ?? null,
    keepsOwner: operation.owner === undefined && ["stage", "image"].includes(operation.origin.kind),
    mode: modeKey(operation),
    unpack: operation.unpack ?? operation.instruction === "ADD",
    ...(operation.parents ? { parents: true } : {}),
    ...(operation.link ? { link: true } : {}),
    ...(operation.epoch === undefined ? {} : { epoch: operation.epoch }),
    // An unknown owner is root for one and an error for the other.
    ...(operation.owner !== undefined && dialect === "buildkit" ? { dialect } : {}),
  });
}

function modeKey({ mode }: Extract<FileOperation, { kind: "copy" }>): string | number | null {
  if (mode === undefined) return null;
  return mode.kind === "octal" ? mode.mode : mode.text;
}

/** The key of a WORKDIR's directory. */
export function workdirKey(operation: Extract<FileOperation, { kind: "workdir" }>, below: readonly Digest[]): string {
  const epoch = operation.epoch === undefined ? {} : { epoch: operation.epoch };
  return keyOf({ kind: "workdir", below, path: operation.path, user: operation.user, ...epoch });
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
  const { sources, excludes, parents } = operation;
  return keyOf({ kind: "selection", layers, sources, excludes, keepsOwner, ...(parents ? { parents } : {}) });
}

/** The key of what a mount shows of immutable layers. */
export function mountSelectionKey(layers: readonly Digest[], source: string): string {
  return keyOf({ kind: "mount", layers, source });
}
