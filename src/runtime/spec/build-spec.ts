import type { IdMapping } from "#base";
import type {
  RuntimeDevice,
  RuntimeDeviceRule,
  RuntimeHooks,
  RuntimeLinux,
  RuntimeMount,
  RuntimeNamespace,
  RuntimeProcess,
  RuntimeResources,
  RuntimeSeccomp,
  RuntimeSpec,
} from "#formats";
import { checkMountsInProc } from "./check-mounts.ts";
import { defaultMounts } from "./default-mounts.ts";
import { defaultDeviceRules } from "./devices.ts";

/** A namespace of a container: its own, the host's, or the one at a path (`/proc/PID/ns/net`). */
export type NamespaceChoice = "private" | "host" | { readonly path: string };

/** Everything config.json needs, resolved: no names to look up, no defaults to fill in. */
export type SpecInput = {
  readonly process: RuntimeProcess;
  readonly rootfs: string;
  readonly readonlyRootfs: boolean;
  /** "" = not set (the UTS namespace is the host's, or another container's). */
  readonly hostname: string;
  readonly domainname: string;
  readonly privileged: boolean;
  readonly writableCgroups: boolean;
  readonly namespaces: {
    readonly pid: NamespaceChoice;
    readonly network: NamespaceChoice;
    readonly ipc: NamespaceChoice;
    readonly uts: NamespaceChoice;
    readonly cgroup: NamespaceChoice;
  };
  /** A user namespace to join, and its mapping; undefined = the host's. */
  readonly user?: { readonly path: string; readonly idMapping: IdMapping } | undefined;
  /** /dev/shm: a tmpfs of this size, the host's directory, or another container's. */
  readonly shm: { readonly sizeBytes: number } | { readonly source: string } | "none";
  /** Volumes, binds, tmpfs and the files over /etc, in any order. */
  readonly mounts: readonly RuntimeMount[];
  readonly devices: readonly RuntimeDevice[];
  readonly deviceRules: readonly RuntimeDeviceRule[];
  readonly resources: RuntimeResources;
  readonly cgroupsPath: string;
  readonly seccomp: RuntimeSeccomp | undefined;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Of CDI specifications of the host; never an image's. */
  readonly hooks?: RuntimeHooks | undefined;
};

const ociVersion = "1.0.2";

function namespacesOf(choices: SpecInput["namespaces"]): RuntimeNamespace[] {
  const namespaces: RuntimeNamespace[] = [{ type: "mount" }];
  for (const [type, choice] of Object.entries(choices) as [RuntimeNamespace["type"], NamespaceChoice][]) {
    if (choice === "private") namespaces.push({ type });
    else if (choice !== "host") namespaces.push({ type, path: choice.path });
  }
  return namespaces;
}

/** Whoever joins a user namespace by path tells runtimes its mapping all the same: they give files to its root. */
function idMappings({ uids, gids }: IdMapping): Pick<RuntimeLinux, "uidMappings" | "gidMappings"> {
  const mappings = (ranges: IdMapping["uids"]) =>
    ranges.map(({ containerId, hostId, size }) => ({ containerID: containerId, hostID: hostId, size }));
  return { uidMappings: mappings(uids), gidMappings: mappings(gids) };
}

/** Parents before children, so that a mount below another is not hidden by it. Stable among equals. */
function byDepth(mounts: readonly RuntimeMount[]): RuntimeMount[] {
  const depth = ({ destination }: RuntimeMount) => destination.split("/").filter((part) => part !== "").length;
  return mounts.toSorted((one, other) => depth(one) - depth(other));
}

/** A volume that is shared or received needs the container's root to be so too (mount_namespaces(7)). */
function rootfsPropagation(mounts: readonly RuntimeMount[]): string | undefined {
  const options = new Set(mounts.flatMap((mount) => mount.options));
  if (options.has("shared") || options.has("rshared")) return "shared";
  if (options.has("slave") || options.has("rslave")) return "rslave";
  return undefined;
}

/** The complete config.json of a container (OCI runtime specification 1.0.2). Pure. */
export function buildRuntimeSpec(input: SpecInput): RuntimeSpec {
  checkMountsInProc(input.mounts);
  const given = new Set(input.mounts.map((mount) => mount.destination));
  // Who brings a /dev of their own means all of it.
  const defaults = defaultMounts(input).filter(
    ({ destination }) => !given.has(destination) && !(given.has("/dev") && destination.startsWith("/dev/")),
  );
  const propagation = rootfsPropagation(input.mounts);
  return {
    ociVersion,
    process: input.process,
    root: { path: input.rootfs, readonly: input.readonlyRootfs },
    ...(input.hostname === "" ? {} : { hostname: input.hostname }),
    ...(input.domainname === "" ? {} : { domainname: input.domainname }),
    mounts: [...defaults, ...byDepth(input.mounts)],
    annotations: { ...input.annotations },
    ...(input.hooks === undefined ? {} : { hooks: input.hooks }),
    linux: {
      namespaces: [
        ...namespacesOf(input.namespaces),
        ...(input.user === undefined ? [] : [{ type: "user" as const, path: input.user.path }]),
      ],
      ...(input.user === undefined ? {} : idMappings(input.user.idMapping)),
      devices: [...input.devices],
      cgroupsPath: input.cgroupsPath,
      resources: {
        ...input.resources,
        devices: input.privileged ? [{ allow: true, access: "rwm" }] : [...defaultDeviceRules, ...input.deviceRules],
      },
      ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
      ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
      maskedPaths: [...input.maskedPaths],
      readonlyPaths: [...input.readonlyPaths],
      sysctl: { ...input.sysctls },
    },
  };
}
