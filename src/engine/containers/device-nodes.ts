import { chmodSync } from "node:fs";
import { join } from "node:path";
import { EngineError, hostOwner, hostRoot, type IdMapping } from "#base";
import type { RuntimeDevice, RuntimeMount } from "#formats";
import { AT_FDCWD, changeOwnerAt, FILE_TYPE, KernelError, toByteString, tryMakeNodeAt } from "#linux";
import type { BoundSources } from "./bound-sources.ts";

const types: Readonly<Record<RuntimeDevice["type"], number>> = {
  b: FILE_TYPE.block,
  c: FILE_TYPE.character,
  u: FILE_TYPE.character,
  p: FILE_TYPE.fifo,
};

/** The number that a device's owner has on the host is its owner's inside; root's where containers have no such id. */
function ownerOf({ uid = 0, gid = 0 }: RuntimeDevice, idMapping: IdMapping): { uid: number; gid: number } {
  try {
    return hostOwner(idMapping, { uid, gid });
  } catch (error) {
    if (error instanceof EngineError) return hostRoot(idMapping);
    throw error;
  }
}

/**
 * Device nodes of a container with remapped ids, as mounts: nobody makes devices in a user namespace (mknod(2), EPERM), and
 * runtimes that bind the host's instead show them as nobody's, under the host's names alone. They lie in a file system
 * that the host has mounted: devices of one that a container mounts cannot be opened (user_namespaces(7)).
 */
export function deviceNodes(
  bound: BoundSources,
  devices: readonly RuntimeDevice[],
  idMapping: IdMapping,
): readonly RuntimeMount[] {
  if (devices.length === 0) return [];
  const directory = bound.memory();
  return devices.map((device, index) => {
    const source = join(directory, String(index));
    const name = toByteString(source);
    const made = tryMakeNodeAt(AT_FDCWD, name, types[device.type] | 0o600, device.major, device.minor);
    if (made < 0) throw new KernelError(`mknod for ${device.path}`, -made);
    const { uid, gid } = ownerOf(device, idMapping);
    changeOwnerAt(AT_FDCWD, name, uid, gid);
    chmodSync(source, device.fileMode ?? 0o666);
    return { destination: device.path, type: "bind", source, options: ["bind", "rprivate"] };
  });
}
