import { mkdirSync, statSync } from "node:fs";
import { dirname, isAbsolute, normalize } from "node:path";
import { errorMessage, type IdMapping } from "#base";
import type { ContainerConfig, HostConfig, MountRequest } from "#formats";
import { giveToContainers } from "#linux";
import { errors } from "../errors.ts";
import type { StoredMount } from "./container.ts";
import { checkTmpfsOptions } from "./tmpfs-options.ts";

/** A volume to be made or used; the caller creates it and fills in the source. */
export type PlannedMount = StoredMount & {
  /** For volumes: what to create it with. */
  readonly volume?:
    | {
        readonly name: string | undefined;
        readonly driver: string | undefined;
        readonly labels: Readonly<Record<string, string>>;
        readonly options: Readonly<Record<string, string>>;
        /** Fill an empty volume with what the image has at the destination. */
        readonly copyUp: boolean;
      }
    | undefined;
};

/** Words of `-v`'s last field by what they are about; each kind at most once (moby `volume/mounts/linux_parser.go`). */
const modeKinds: Readonly<Record<string, string>> = {
  rw: "access",
  ro: "access",
  z: "label",
  Z: "label",
  private: "propagation",
  rprivate: "propagation",
  shared: "propagation",
  rshared: "propagation",
  slave: "propagation",
  rslave: "propagation",
  nocopy: "copy",
  consistent: "consistency",
  cached: "consistency",
  delegated: "consistency",
};

function isMode(text: string): boolean {
  if (text === "") return true;
  const kinds = text.split(",").map((word) => (Object.hasOwn(modeKinds, word) ? modeKinds[word] : undefined));
  return !kinds.includes(undefined) && new Set(kinds).size === kinds.length;
}

const hasKind = (text: string, kind: string) => text.split(",").find((word) => modeKinds[word] === kind);

function checkDestination(path: string): string {
  if (!isAbsolute(path)) throw errors.mountDestinationRelative(path);
  const destination = normalize(path).replace(/(.)\/+$/, "$1");
  if (destination === "/") throw errors.mountDestinationRoot();
  return destination;
}

/** One `-v`: `source:destination[:mode,mode]`, or a lone destination for an anonymous volume. */
export function parseBind(specification: string, driver: string | undefined): PlannedMount {
  const parts = specification.split(":");
  if (parts.length > 3 || parts.length < 1 || parts.includes("")) throw errors.bindInvalid(specification);
  const [first = "", second, modeText = ""] = parts;
  // `/foo:rw`: an anonymous volume has no mode.
  if (parts.length === 2 && isMode(second ?? "")) throw errors.bindInvalid(specification);
  if (!isMode(modeText)) throw errors.bindModeInvalid(modeText);
  const options = modeText.split(",");
  const propagation = hasKind(modeText, "propagation") ?? "";
  const writable = !options.includes("ro");
  const common = { mode: modeText, writable };
  if (second === undefined) {
    return plannedVolume({ ...common, destination: checkDestination(first), name: undefined, driver, copyUp: true });
  }
  const type = isAbsolute(first) ? "bind" : "volume";
  const destination = checkMountTarget(second, (reason) => errors.bindTargetInvalid(specification, type, reason));
  if (type === "bind") {
    if (options.includes("nocopy")) throw errors.bindModeInvalid(modeText);
    return {
      type: "bind",
      name: "",
      source: normalize(first).replace(/(.)\/+$/, "$1"),
      destination,
      driver: "",
      propagation: propagation === "" ? "rprivate" : propagation,
      ...common,
    };
  }
  if (propagation !== "") throw errors.bindInvalid(specification);
  return plannedVolume({ ...common, destination, name: first, driver, copyUp: !options.includes("nocopy") });
}

function plannedVolume(given: {
  destination: string;
  name: string | undefined;
  driver: string | undefined;
  mode: string;
  writable: boolean;
  copyUp: boolean;
  labels?: Readonly<Record<string, string>>;
  options?: Readonly<Record<string, string>>;
  subpath?: string;
}): PlannedMount {
  return {
    type: "volume",
    name: given.name ?? "",
    source: "",
    destination: given.destination,
    driver: "local",
    mode: given.mode,
    writable: given.writable,
    propagation: "",
    anonymous: given.name === undefined,
    subpath: given.subpath,
    volume: {
      name: given.name,
      driver: given.driver,
      labels: given.labels ?? {},
      options: given.options ?? {},
      copyUp: given.copyUp,
    },
  };
}

/** One `--mount`. Options of another type than the mount's are refused. */
export function parseMount(mount: MountRequest, driver: string | undefined): PlannedMount {
  const type = mount.Type ?? "volume";
  const fail = (reason: string) => errors.mountInvalid(type, reason);
  if ((mount.Target ?? "") === "") throw fail("field Target must not be empty");
  if (type !== "bind" && mount.BindOptions) throw fail("field BindOptions must not be specified");
  if (type !== "volume" && mount.VolumeOptions) throw fail("field VolumeOptions must not be specified");
  if (type !== "tmpfs" && mount.TmpfsOptions) throw fail("field TmpfsOptions must not be specified");
  if (type !== "image" && mount.ImageOptions) throw fail("field ImageOptions must not be specified");
  const destination = checkMountTarget(mount.Target ?? "", fail);
  const source = mount.Source ?? "";
  const writable = mount.ReadOnly !== true;
  switch (type) {
    case "bind": {
      if (source === "") throw fail("field Source must not be empty");
      if (!isAbsolute(source)) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
      const bind = mount.BindOptions;
      if (bind?.ReadOnlyNonRecursive === true && bind.ReadOnlyForceRecursive === true) {
        throw fail("mount options conflict: ReadOnlyNonRecursive and ReadOnlyForceRecursive cannot both be set");
      }
      if (bind?.ReadOnlyForceRecursive === true && bind.NonRecursive === true) {
        throw fail("mount options conflict: ReadOnlyForceRecursive cannot be used with NonRecursive");
      }
      if (writable && (bind?.ReadOnlyNonRecursive === true || bind?.ReadOnlyForceRecursive === true)) {
        throw fail("mount options conflict: a read-only mode needs ReadOnly");
      }
      if (bind?.ReadOnlyForceRecursive === true && !["", "rprivate"].includes(bind.Propagation ?? "")) {
        throw fail("mount options conflict: ReadOnlyForceRecursive needs the propagation rprivate");
      }
      if (!exists(source) && mount.BindOptions?.CreateMountpoint !== true) {
        throw fail(`bind source path does not exist: ${source}`);
      }
      const propagation = mount.BindOptions?.Propagation ?? "";
      return {
        type: "bind",
        name: "",
        source: normalize(source),
        destination,
        driver: "",
        mode: "",
        writable,
        propagation: propagation === "" ? "rprivate" : propagation,
        nonRecursive: bind?.NonRecursive === true,
        readOnlyMode:
          bind?.ReadOnlyNonRecursive === true
            ? "non-recursive"
            : bind?.ReadOnlyForceRecursive === true
              ? "force-recursive"
              : undefined,
      };
    }
    case "volume": {
      const options = mount.VolumeOptions;
      const subpath = options?.Subpath ?? "";
      if (subpath !== "") {
        if (source === "") throw fail("must not set Subpath when using anonymous volumes");
        if (!isLocalPath(subpath)) throw fail("subpath must be a relative path within the volume");
      }
      if (source === "" && !writable) throw fail("must not set ReadOnly mode when using anonymous volumes");
      return plannedVolume({
        destination,
        name: source === "" ? undefined : source,
        driver: options?.DriverConfig?.Name ?? driver,
        mode: "z",
        writable,
        // What is in the image belongs at the volume's root, and it is not the root that is mounted.
        copyUp: options?.NoCopy !== true && subpath === "",
        labels: options?.Labels ?? {},
        options: options?.DriverConfig?.Options ?? {},
        subpath,
      });
    }
    case "tmpfs": {
      if (source !== "") throw fail("field Source must not be specified");
      for (const pair of mount.TmpfsOptions?.Options ?? []) {
        if (pair.length < 1 || pair.length > 2) throw fail("invalid option array length");
        if (!["exec", "noexec"].includes(pair[0] ?? "")) throw fail(`invalid option: ${pair[0]}`);
      }
      return {
        type: "tmpfs",
        name: "",
        source: "",
        destination,
        driver: "",
        mode: "",
        writable,
        propagation: "",
        tmpfs: {
          sizeBytes: mount.TmpfsOptions?.SizeBytes ?? 0,
          mode: mount.TmpfsOptions?.Mode ?? undefined,
          options: (mount.TmpfsOptions?.Options ?? []).map((pair) => pair.join("=")),
        },
      };
    }
    case "image":
      if (source === "") throw fail("field Source must not be empty");
      if (!isLocalPath(mount.ImageOptions?.Subpath || ".")) {
        throw fail("subpath must be a relative path within the image");
      }
      return {
        type: "image",
        name: source,
        source,
        destination,
        driver: "",
        mode: "",
        writable: false,
        propagation: "",
        subpath: mount.ImageOptions?.Subpath ?? "",
      };
    default:
      throw fail("mount type unknown");
  }
}

function checkMountTarget(path: string, fail: (reason: string) => Error): string {
  if (!isAbsolute(path)) throw fail(`invalid mount path: '${path}' mount path must be absolute`);
  const destination = normalize(path).replace(/(.)\/+$/, "$1");
  if (destination === "/") throw fail("invalid specification: destination can't be '/'");
  return destination;
}

/** Go's filepath.IsLocal: relative, and nowhere above where it starts. */
function isLocalPath(path: string): boolean {
  if (isAbsolute(path)) return false;
  const plain = normalize(path);
  return plain !== ".." && !plain.startsWith("../");
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Makes the missing directory of a bind, the containers' root's as all above it that was missing too. */
export function createBindSource(path: string, mapping: IdMapping | undefined): void {
  if (exists(path)) return;
  try {
    const first = mkdirSync(path, { recursive: true, mode: 0o755 });
    if (first === undefined || mapping === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) giveToContainers(made, mapping);
  } catch (error) {
    throw errors.mountSourceCreate(path, errorMessage(error));
  }
}

/** `name[:ro|rw]` of `--volumes-from`. */
export function parseVolumesFrom(specification: string): { readonly container: string; readonly writable: boolean } {
  const at = specification.indexOf(":");
  const container = at < 0 ? specification : specification.slice(0, at);
  const mode = at < 0 ? "" : specification.slice(at + 1);
  if (container === "") throw errors.volumesFromInvalid(specification);
  // Propagation and copying stay as they are with the container they come from.
  if (!isMode(mode) || hasKind(mode, "propagation") !== undefined || hasKind(mode, "copy") !== undefined) {
    throw errors.bindModeInvalid(mode);
  }
  return { container, writable: hasKind(mode, "access") !== "ro" };
}

/**
 * Every mount of a container to be, without duplicates: `--volumes-from`, `-v`, `--mount`, then the image's VOLUMEs
 * where nothing else is mounted. Touches nothing.
 */
export function planMounts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  mountsOf: (container: string) => readonly StoredMount[],
): readonly PlannedMount[] {
  const byDestination = new Map<string, PlannedMount>();
  const driver = hostConfig.VolumeDriver ?? undefined;
  for (const specification of hostConfig.VolumesFrom ?? []) {
    const { container, writable } = parseVolumesFrom(specification);
    for (const mount of mountsOf(container)) {
      // Anonymous volumes stay with the container they were made for.
      byDestination.set(mount.destination, { ...mount, anonymous: false, writable: mount.writable && writable });
    }
  }
  const explicit = new Set<string>();
  const add = (mount: PlannedMount) => {
    if (explicit.has(mount.destination)) throw errors.mountDuplicate(mount.destination);
    explicit.add(mount.destination);
    byDestination.set(mount.destination, mount);
  };
  for (const bind of hostConfig.Binds ?? []) add(parseBind(bind, driver));
  for (const mount of hostConfig.Mounts ?? []) add(parseMount(mount, driver));
  const tmpfs = new Set<string>();
  for (const [path, options] of Object.entries(hostConfig.Tmpfs ?? {})) {
    checkTmpfsOptions(options);
    const destination = checkDestination(path);
    if (explicit.has(destination)) throw errors.mountDuplicate(destination);
    tmpfs.add(destination);
  }
  for (const path of Object.keys(config.Volumes ?? {})) {
    const destination = checkDestination(path);
    if (byDestination.has(destination) || tmpfs.has(destination)) continue;
    byDestination.set(
      destination,
      plannedVolume({ destination, name: undefined, driver, mode: "", writable: true, copyUp: true }),
    );
  }
  return [...byDestination.values()];
}
