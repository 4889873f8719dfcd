import { mkdirSync, statSync } from "node:fs";
import { isAbsolute, normalize } from "node:path";
import { errorMessage } from "#base";
import type { ContainerConfig, HostConfig, MountRequest } from "#formats";
import { errors } from "../errors.ts";
import type { StoredMount } from "./container.ts";

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

const propagations = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
const modes = new Set(["rw", "ro", "z", "Z", "nocopy", "consistent", "cached", "delegated", ""]);

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
  const options = modeText.split(",");
  let propagation = "";
  for (const option of options) {
    if (propagations.has(option)) propagation = option;
    else if (!modes.has(option)) throw errors.bindModeInvalid(modeText);
  }
  if (options.includes("ro") && options.includes("rw")) throw errors.bindModeInvalid(modeText);
  const writable = !options.includes("ro");
  const common = { mode: modeText, writable };
  if (second === undefined) {
    return plannedVolume({ ...common, destination: checkDestination(first), name: undefined, driver, copyUp: true });
  }
  const destination = checkDestination(second);
  if (isAbsolute(first)) {
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
  if (propagation !== "") throw errors.bindModeInvalid(modeText);
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
      if (!exists(source)) {
        if (mount.BindOptions?.CreateMountpoint !== true) throw fail(`bind source path does not exist: ${source}`);
        createBindSource(source);
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
        nonRecursive: mount.BindOptions?.NonRecursive === true,
      };
    }
    case "volume": {
      const options = mount.VolumeOptions;
      if (isAbsolute(options?.Subpath ?? "")) throw fail("subpath must be a relative path within the volume");
      return plannedVolume({
        destination,
        name: source === "" ? undefined : source,
        driver: options?.DriverConfig?.Name ?? driver,
        mode: "z",
        writable,
        copyUp: options?.NoCopy !== true,
        labels: options?.Labels ?? {},
        options: options?.DriverConfig?.Options ?? {},
        subpath: options?.Subpath ?? "",
      });
    }
    case "tmpfs": {
      if (source !== "") throw fail("field Source must not be specified");
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
    case "npipe":
    case "cluster":
      throw fail("mount type unknown");
  }
}

function checkMountTarget(path: string, fail: (reason: string) => Error): string {
  if (!isAbsolute(path)) throw fail(`invalid mount path: '${path}' mount path must be absolute`);
  const destination = normalize(path).replace(/(.)\/+$/, "$1");
  if (destination === "/") throw fail("invalid specification: destination can't be '/'");
  return destination;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Docker makes a missing directory for `-v`, not for `--mount`. */
export function createBindSource(path: string): void {
  if (exists(path)) return;
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
  } catch (error) {
    throw errors.mountSourceCreate(path, errorMessage(error));
  }
}

/** `name[:ro|rw]` of `--volumes-from`. */
export function parseVolumesFrom(specification: string): { readonly container: string; readonly writable: boolean } {
  const [container = "", mode = ""] = specification.split(":");
  if (container === "" || !["", "ro", "rw", "z", "Z"].includes(mode)) {
    throw errors.volumesFromInvalid(specification);
  }
  return { container, writable: mode !== "ro" };
}

/**
 * Every mount of a container to be, without duplicates: `--volumes-from`, `-v`, `--mount`, then the image's VOLUMEs
 * where nothing else is mounted. Touches nothing but `CreateMountpoint` sources.
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
  for (const path of Object.keys(hostConfig.Tmpfs ?? {})) {
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
