import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type IdMapping, newId } from "#base";
import { type Database, volumeTable } from "#db";
import { createProjectLimits, giveToContainers, letContainersThrough, spreadDirectoriesIn } from "#linux";
import type { VolumeRecord } from "./contract.ts";
import { errors } from "./errors.ts";
import { checkMountOptions, sizeOption } from "./mount-options.ts";
import { unmountBelow } from "./mount-volume.ts";

/** A volume is a directory of its name (limits.h: NAME_MAX). */
const NAME_LIMIT_BYTES = 255;
const validName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const anonymousLabel = "com.docker.volume.anonymous";

/** What a new volume is to be; without a name it is anonymous. */
export type CreateVolumeRequest = {
  /** Absent or "" = a random 64-hex name, and the volume counts as anonymous. */
  readonly name?: string | undefined;
  readonly driver?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly options?: Readonly<Record<string, string>> | undefined;
};

/** The volumes of one data root: a row in the database and a directory `volumes/<name>/_data`. */
export type LocalVolumes = {
  /** Idempotent for the same name; durable when it returns. `created` tells whether it is new. */
  create(request: CreateVolumeRequest): { readonly volume: VolumeRecord; readonly created: boolean };
  list(): readonly VolumeRecord[];
  find(name: string): VolumeRecord | undefined;
  /** Throws not-found. */
  get(name: string): VolumeRecord;
  /** Deletes the volume and its data; idempotent. The caller has checked that nothing uses it. Throws conflict when held. */
  remove(name: string): void;
  /** Keeps a volume from being removed until the result is called: its container has no row yet. */
  hold(name: string): () => void;
  isHeld(name: string): boolean;
};

/** Set aside under this prefix, a volume's directory is on its way out. */
const removing = ".removing-";

/** Opens the volumes under `<dataRoot>/volumes` and finishes or undoes the removals that a crash interrupted. */
export function openLocalVolumes(options: {
  readonly dataRoot: string;
  readonly database: Database;
  /** How ids of containers lie on the host. @default they are the host's */
  readonly idMapping?: IdMapping | undefined;
}): LocalVolumes {
  const { idMapping } = options;
  const root = join(options.dataRoot, "volumes");
  // 0701: the container's root must be able to pass through, nobody may list (CVE-2021-41091).
  mkdirSync(root, { recursive: true, mode: 0o701 });
  letContainersThrough(root, idMapping);
  spreadDirectoriesIn(root);
  const limits = createProjectLimits(root, "volumes");
  const table = volumeTable(options.database);
  const volumes = new Map<string, VolumeRecord>();
  const directory = (name: string) => join(root, name);

  for (const row of table.all()) {
    volumes.set(row.name, {
      name: row.name,
      driver: "local",
      mountpoint: join(directory(row.name), "_data"),
      createdMs: row.created_ms,
      labels: JSON.parse(row.labels) as Record<string, string>,
      options: JSON.parse(row.options) as Record<string, string>,
      anonymous: row.anonymous === 1,
    });
  }
  /** False when it has a size, and this file system has no quotas. */
  const makeDirectories = ({ name, options: given, mountpoint }: VolumeRecord): boolean => {
    const sizeBytes = sizeOption(name, given);
    mkdirSync(directory(name), { recursive: true, mode: 0o701 });
    letContainersThrough(directory(name), idMapping);
    // What is made below inherits the project.
    const isLimited = sizeBytes === undefined || limits.limit(directory(name), sizeBytes);
    mkdirSync(mountpoint, { recursive: true, mode: 0o755 });
    giveToContainers(mountpoint, idMapping);
    return isLimited;
  };
  const held = new Map<string, number>();
  for (const entry of readdirSync(root)) {
    if (!entry.startsWith(removing)) continue;
    const name = entry.slice(removing.length);
    // The row is deleted after the directory was set aside: while it is there, the removal was not acknowledged.
    if (volumes.has(name)) {
      renameSync(join(root, entry), directory(name));
      continue;
    }
    unmountBelow(join(root, entry));
    rmSync(join(root, entry), { recursive: true, force: true });
  }
  for (const volume of volumes.values()) {
    // A power cut may have taken the directories that a durable row promises. What is mounted there is not looked at.
    const outer = directory(volume.name);
    if (!existsSync(outer) || !readdirSync(outer).includes("_data")) makeDirectories(volume);
  }

  return {
    create: (request) => {
      const driver = request.driver ?? "local";
      const named = request.name !== undefined && request.name !== "";
      const name = named ? (request.name ?? "") : newId();
      if (driver !== "local" && driver !== "") throw errors.volumeDriverUnknown(name, driver);
      const existing = volumes.get(name);
      if (existing !== undefined) return { volume: existing, created: false };
      if (name.length === 1) throw errors.volumeNameShort(name);
      if (!validName.test(name)) throw errors.volumeNameInvalid(name);
      if (name.length > NAME_LIMIT_BYTES) throw errors.volumeNameLong(name.length);
      const volumeOptions = { ...request.options };
      checkMountOptions(name, volumeOptions);
      const labels = { ...request.labels };
      if (!named) labels[anonymousLabel] ??= "";
      const volume: VolumeRecord = {
        name,
        driver: "local",
        mountpoint: join(directory(name), "_data"),
        createdMs: Date.now(),
        labels,
        options: volumeOptions,
        anonymous: anonymousLabel in labels,
      };
      if (!makeDirectories(volume)) {
        rmSync(directory(name), { recursive: true });
        throw errors.volumeOptionsRefused(name, "quota size requested but no quota support");
      }
      table.insert({
        name,
        created_ms: volume.createdMs,
        anonymous: volume.anonymous ? 1 : 0,
        labels: JSON.stringify(labels),
        options: JSON.stringify(volumeOptions),
      });
      volumes.set(name, volume);
      return { volume, created: true };
    },
    list: () => [...volumes.values()],
    find: (name) => volumes.get(name),
    get: (name) => {
      const volume = volumes.get(name);
      if (volume === undefined) throw errors.volumeNotFound(name);
      return volume;
    },
    remove: (name) => {
      if (!volumes.has(name)) return;
      if (held.has(name)) throw errors.volumeHeld(name);
      // Never through a mount: what is mounted there is not the volume's to delete.
      unmountBelow(directory(name));
      const aside = join(root, `${removing}${name}`);
      renameSync(directory(name), aside);
      table.delete(name);
      volumes.delete(name);
      rmSync(aside, { recursive: true, force: true });
    },
    hold: (name) => {
      held.set(name, (held.get(name) ?? 0) + 1);
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        const left = (held.get(name) ?? 1) - 1;
        if (left === 0) held.delete(name);
        else held.set(name, left);
      };
    },
    isHeld: (name) => held.has(name),
  };
}
