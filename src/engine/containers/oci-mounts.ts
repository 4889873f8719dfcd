import { existsSync } from "node:fs";
import type { HostConfig, RuntimeMount } from "#formats";
import type { StepRequest } from "../contract.ts";
import { errors } from "../errors.ts";
import type { StoredMount } from "./container.ts";
import { aptConfigInContainer, caBundleInContainer } from "./environment.ts";
import type { EtcFiles } from "./etc-files.ts";

/** Docker's defaults for `--tmpfs`, before the user's own options. */
const tmpfsDefaults = ["noexec", "nosuid", "nodev"];

/** The opposite of each default, by which a user takes it back. */
const opposites: Readonly<Record<string, string>> = { exec: "noexec", suid: "nosuid", dev: "nodev" };

function tmpfsOptions(given: readonly string[]): string[] {
  const taken = new Set(given.map((option) => opposites[option]));
  return [...tmpfsDefaults.filter((option) => !taken.has(option)), ...given];
}

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

/** What a build step brings along, e.g. the script of a here-document. */
export function stepMounts(mounts: NonNullable<StepRequest["mounts"]>): RuntimeMount[] {
  return mounts.map(({ source, destination, readonly }) => ({
    destination,
    type: "bind",
    source,
    options: ["bind", ...(readonly ? ["ro"] : []), "rprivate"],
  }));
}

/** A bind as config.json has it; a read-only one is so recursively where the kernel can. */
function bindOptions(mount: StoredMount): string[] {
  const options = [
    mount.nonRecursive === true ? "bind" : "rbind",
    mount.propagation === "" ? "rprivate" : mount.propagation,
  ];
  if (!mount.writable) options.push("ro");
  return options;
}

/** The mounts of a container's `-v`, `--mount` and `--tmpfs`. `sourceOf` gives the host path of a volume's subpath. */
export function containerMounts(
  mounts: readonly StoredMount[],
  hostConfig: HostConfig,
  sourceOf: (mount: StoredMount) => string,
): RuntimeMount[] {
  const result: RuntimeMount[] = [];
  for (const [destination, options] of Object.entries(hostConfig.Tmpfs ?? {})) {
    result.push({
      destination,
      type: "tmpfs",
      source: "tmpfs",
      options: tmpfsOptions(options.split(",").filter((option) => option !== "")),
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
    if (!existsSync(source)) {
      throw errors.mountInvalid(mount.type, `bind source path does not exist: ${source}`);
    }
    result.push({ destination: mount.destination, type: "bind", source, options: bindOptions(mount) });
  }
  return result;
}
