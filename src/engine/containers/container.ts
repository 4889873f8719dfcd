import type { ContainerId, Digest, Nanoseconds } from "#base";
import { formatRfc3339Nano, parseRfc3339 } from "#base";
import type { ContainerConfig, EndpointSettings, HostConfig } from "#formats";
import type { ContainerStatus, HealthState, MountPoint } from "../contract/index.ts";

/** A mount with what start needs beyond what inspect shows. */
export type StoredMount = MountPoint & {
  /** A volume made without a name, for this container: goes with `rm -v` and auto-remove. */
  readonly anonymous?: boolean | undefined;
  /** Path inside the volume or image that is mounted instead of its root. */
  readonly subpath?: string | undefined;
  /** A bind of the directory alone, without what is mounted below it. */
  readonly nonRecursive?: boolean | undefined;
  /** A read-only bind is so for what is mounted below it too where the kernel can, unless this says otherwise. */
  readonly readOnlyMode?: "non-recursive" | "force-recursive" | undefined;
  readonly tmpfs?:
    | { readonly sizeBytes: number; readonly mode: number | undefined; readonly options: readonly string[] }
    | undefined;
};

/** What create fixes. Changed only by `update` (host config) and by connecting to networks; stored as one JSON document. */
export type ContainerDocument = {
  readonly created: Nanoseconds;
  readonly path: string;
  readonly args: readonly string[];
  readonly imageId: Digest;
  readonly imageName: string;
  /** Layers of the image, bottom first: kept here so that a container starts even if the image's row is gone. */
  readonly diffIds: readonly Digest[];
  config: ContainerConfig;
  hostConfig: HostConfig;
  readonly mounts: readonly StoredMount[];
  /** What the client asked per network name. */
  networkRequests: Readonly<Record<string, EndpointSettings>>;
};

/** What changes while a container lives; stored as one JSON document after each change. */
export type ContainerLife = {
  status: ContainerStatus;
  pid: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  startedAt: Nanoseconds | undefined;
  finishedAt: Nanoseconds | undefined;
  restartCount: number;
  /** It was running at least once. */
  everStarted: boolean;
  /** A user stopped it: `unless-stopped` leaves it down, and a running back-off is over. */
  manuallyStopped: boolean;
  /** Set while `restart` runs: no auto-remove and no policy in between. */
  manuallyRestarting: boolean;
};

/** A container in memory; the row in the database says the same, but for what is marked volatile. */
export type Container = {
  readonly id: ContainerId;
  name: string;
  readonly document: ContainerDocument;
  readonly life: ContainerLife;
  /** Volatile. */
  health: HealthState | undefined;
  /** Volatile: ids of execs that have been made and not been collected. */
  readonly execIds: Set<string>;
  /** Volatile: who waits for the next exit, and for the removal. */
  readonly exitWaiters: Set<(exit: ExitNotice) => void>;
  readonly removalWaiters: Set<(exit: ExitNotice) => void>;
  /** Volatile: the streams attached to it; each settles when its last byte has been passed on. */
  readonly attachments: Set<Promise<void>>;
  /** Volatile: the pending restart of the policy. */
  restartTimer: ReturnType<typeof setTimeout> | undefined;
  /** Volatile: delay before the next policy restart. */
  restartDelayMs: number;
  /** Volatile: set while a removal runs. */
  removing: boolean;
  /** Volatile: stops the health probe. */
  stopHealth: (() => void) | undefined;
};

/** What a waiter learns. */
export type ExitNotice = { readonly exitCode: number; readonly error?: string | undefined };

/** A fresh container, not yet stored. */
export function newContainer(id: ContainerId, name: string, document: ContainerDocument): Container {
  return hydrate(id, name, document, {
    status: "created",
    pid: 0,
    exitCode: 0,
    error: "",
    oomKilled: false,
    startedAt: undefined,
    finishedAt: undefined,
    restartCount: 0,
    everStarted: false,
    manuallyStopped: false,
    manuallyRestarting: false,
  });
}

function hydrate(id: ContainerId, name: string, document: ContainerDocument, life: ContainerLife): Container {
  return {
    id,
    name,
    document,
    life,
    health: undefined,
    execIds: new Set(),
    exitWaiters: new Set(),
    attachments: new Set(),
    removalWaiters: new Set(),
    restartTimer: undefined,
    restartDelayMs: 0,
    removing: false,
    stopHealth: undefined,
  };
}

/** True for what lists show without `all`: what has a process, or is about to have one again. */
export function isUp(container: Container): boolean {
  return hasProcess(container) || container.life.status === "restarting";
}

/** True while its init process lives: running or paused. */
export function hasProcess(container: Container): boolean {
  return container.life.status === "running" || container.life.status === "paused";
}

const optionalTime = (time: Nanoseconds | undefined) => (time === undefined ? null : formatRfc3339Nano(time));
const readTime = (text: string | null) => (text === null ? undefined : parseRfc3339(text));

/** The row's `document` column. */
export function encodeDocument(document: ContainerDocument): string {
  return JSON.stringify({ ...document, created: formatRfc3339Nano(document.created) });
}

/** The row's `state` column. */
export function encodeLife(life: ContainerLife): string {
  return JSON.stringify({
    ...life,
    startedAt: optionalTime(life.startedAt),
    finishedAt: optionalTime(life.finishedAt),
  });
}

/** A container from its row. */
export function decodeContainer(row: { id: string; name: string; document: string; state: string }): Container {
  const document = JSON.parse(row.document) as Omit<ContainerDocument, "created"> & { created: string };
  const life = JSON.parse(row.state) as Omit<ContainerLife, "startedAt" | "finishedAt"> & {
    startedAt: string | null;
    finishedAt: string | null;
  };
  return hydrate(
    row.id,
    row.name,
    { ...document, created: parseRfc3339(document.created) ?? 0n },
    { ...life, startedAt: readTime(life.startedAt), finishedAt: readTime(life.finishedAt) },
  );
}
