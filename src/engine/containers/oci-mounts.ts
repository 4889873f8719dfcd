import { realpathSync, statSync } from "node:fs";
import type { HostConfig, RuntimeMount } from "#formats";
import { kernelVersion, mountOf } from "#linux";
import type { StepMount } from "../contract/index.ts";
import { errors } from "../errors.ts";
import type { StoredMount } from "./container.ts";
import { aptConfigInContainer, caBundleInContainer } from "./environment.ts";
import type { EtcFiles } from "./etc-files.ts";
import { tmpfsOptions, tmpfsOptionsOf } from "./tmpfs-options.ts";

/** The files over /etc: writable, as Docker's are, and private to the container. */
export function etcMounts(etc: EtcFiles): RuntimeMount[] {
  const file = (destination: string, source: string): RuntimeMount => ({
    destination,
    type: "bind",
    source,
    options: ["rbind", "rprivate"],
  });
  return [file("/etc/resolv.conf", etc.resolvConf), file("/etc/hostname", etc.hostname), file("/etc/hosts", etc.hosts)];
}

/** The host's CA bundle below /dev, with apt's pointer to it. */
export function caMounts(bundle: string | undefined, aptConfig: string): RuntimeMount[] {
  if (bundle === undefined) return [];
  const file = (destination: string, source: string): RuntimeMount => ({
    destination,
    type: "bind",
    source,
    options: ["bind", "ro", "rprivate"],
  });
  return [file(caBundleInContainer, bundle), file(aptConfigInContainer, aptConfig)];
}

/** What a build step brings along: scripts, secrets, caches. */
export function stepMounts(mounts: readonly StepMount[]): RuntimeMount[] {
  return mounts.map((mount) => {
    if ("tmpfsBytes" in mount) {
      const size = mount.tmpfsBytes === undefined || mount.tmpfsBytes === 0 ? [] : [`size=${mount.tmpfsBytes}`];
      const options = ["nosuid", "nodev", "mode=1777", ...size];
      return { destination: mount.destination, type: "tmpfs", source: "tmpfs", options };
    }
    const { destination, source, readonly } = mount;
    return { destination, type: "bind", source, options: ["rbind", ...(readonly ? ["ro"] : []), "rprivate"] };
  });
}

/** mount_setattr(2) came with Linux 5.12. */
function kernelCanRecurse(): boolean {
  const { major, minor } = kernelVersion();
  return major > 5 || (major === 5 && minor >= 12);
}

/** A read-only bind is so recursively where kernel and runtime can, unless the client says otherwise. */
function readOnlyOption(mount: StoredMount, isDirectory: boolean, runtimeCanRecurse: boolean): "ro" | "rro" {
  // Nothing can be mounted below a file.
  if (!isDirectory) return "ro";
  const can = kernelCanRecurse() && runtimeCanRecurse;
  if (mount.readOnlyMode === "force-recursive" && !can) {
    throw errors.recursiveReadOnly(mount.source, "it needs Linux 5.12 and a runtime that knows rro");
  }
  const wants = mount.type === "bind" && mount.nonRecursive !== true && mount.readOnlyMode !== "non-recursive";
  return can && wants ? "rro" : "ro";
}

/** A bind as config.json has it. */
function bindOptions(mount: StoredMount, isDirectory: boolean, runtimeCanRecurse: boolean): string[] {
  const options = [
    mount.nonRecursive === true ? "bind" : "rbind",
    mount.propagation === "" ? "rprivate" : mount.propagation,
  ];
  if (!mount.writable) options.push(readOnlyOption(mount, isDirectory, runtimeCanRecurse));
  return options;
}

/** Sharing needs a mount on the host that is shared (mount_namespaces(7)); without it nothing would be seen, silently. */
function checkPropagation({ source, propagation }: StoredMount): void {
  const isSlave = propagation === "slave" || propagation === "rslave";
  if (!isSlave && propagation !== "shared" && propagation !== "rshared") return;
  const mount = mountOf(realpathSync(source));
  const fields = mount?.optionalFields ?? [];
  const isShared = fields.some((field) => field.startsWith("shared:"));
  if (isShared || (isSlave && fields.some((field) => field.startsWith("master:")))) return;
  throw errors.mountNotShared(source, mount?.mountPoint ?? "/", isSlave ? "shared or slave" : "shared");
}

/** The mounts of a container's `-v`, `--mount` and `--tmpfs`. `sourceOf` gives the host path of a volume's subpath. */
export function containerMounts(
  mounts: readonly StoredMount[],
  hostConfig: HostConfig,
  sourceOf: (mount: StoredMount) => string,
  runtimeCanRecurse: boolean,
): RuntimeMount[] {
  const result: RuntimeMount[] = [];
  for (const [destination, options] of Object.entries(hostConfig.Tmpfs ?? {})) {
    result.push({
      destination,
      type: "tmpfs",
      source: "tmpfs",
      options: tmpfsOptionsOf(options),
    });
  }
  for (const mount of mounts) {
    if (mount.type === "tmpfs") {
      const { sizeBytes = 0, mode, options = [] } = mount.tmpfs ?? {};
      const given = [...options];
      if (sizeBytes > 0) given.push(`size=${sizeBytes}`);
      if (mode !== undefined) given.push(`mode=${mode.toString(8)}`);
      if (!mount.writable) given.push("ro");
      result.push({ destination: mount.destination, type: "tmpfs", source: "tmpfs", options: tmpfsOptions(given) });
      continue;
    }
    const source = sourceOf(mount);
    const status = statSync(source, { throwIfNoEntry: false });
    if (status === undefined) {
      throw errors.mountInvalid(mount.type, `bind source path does not exist: ${source}`);
    }
    if (mount.type === "bind") checkPropagation(mount);
    result.push({
      destination: mount.destination,
      type: "bind",
      source,
      options: bindOptions(mount, status.isDirectory(), runtimeCanRecurse),
    });
  }
  return result;
}
