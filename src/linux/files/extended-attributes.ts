import { addressOf, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";
import { fromByteString, pathAddress } from "./path-buffer.ts";

const buffer = stableBuffer(64 * 1024);
const address = addressOf(buffer);
const ENODATA = 61;
const EOPNOTSUPP = 95;
const EINVAL = 22;
const ENOENT = 2;

// The l* calls follow every part of a path but the last, so "/proc/self/fd/N/name" is "name in the open directory N".
function pathIn(directory: number, name: string): string {
  return name === "" ? `/proc/self/fd/${directory}` : `/proc/self/fd/${directory}/${name}`;
}

/** Names of the extended attributes of a name in a directory, links not followed; empty where unsupported. */
export function listAttributesAt(directory: number, name: string): string[] {
  const length = trySyscall(SYS.llistxattr, pathAddress(pathIn(directory, name)), address, buffer.length);
  if (length === -EOPNOTSUPP || length === 0) return [];
  if (length < 0) throw new KernelError(`listxattr ${fromByteString(name)}`, -length);
  return buffer
    .toString("latin1", 0, length)
    .split("\0")
    .filter((attribute) => attribute !== "");
}

/** The value of one extended attribute; undefined when it is not set. */
export function findAttributeAt(directory: number, name: string, attribute: string): Buffer | undefined {
  const length = trySyscall(
    SYS.lgetxattr,
    pathAddress(pathIn(directory, name), 0),
    pathAddress(attribute, 1),
    address,
    buffer.length,
  );
  if (length === -ENODATA || length === -EOPNOTSUPP || length === -EINVAL || length === -ENOENT) return undefined;
  if (length < 0) throw new KernelError(`getxattr ${attribute} of ${fromByteString(name)}`, -length);
  return Buffer.from(buffer.subarray(0, length));
}

const noAttributes: ReadonlyMap<string, Buffer> = new Map();

/**
 * The extended attributes that go with a file when it is copied to another place or machine: its capabilities, and what
 * users set. Overlayfs's own stay, and so does what belongs to the host (SELinux labels, ACLs by number).
 */
export function carriedAttributesAt(directory: number, name: string): ReadonlyMap<string, Buffer> {
  const names = listAttributesAt(directory, name).filter(
    (attribute) =>
      attribute === "security.capability" || (attribute.startsWith("user.") && !attribute.startsWith("user.overlay.")),
  );
  if (names.length === 0) return noAttributes;
  const carried = new Map<string, Buffer>();
  for (const attribute of names) {
    const value = findAttributeAt(directory, name, attribute);
    if (value !== undefined) carried.set(attribute, value);
  }
  return carried;
}

/** Sets one extended attribute of a name, links not followed. Returns 0 or -errno. */
export function trySetAttributeAt(directory: number, name: string, attribute: string, value: Uint8Array): number {
  buffer.set(value.subarray(0, buffer.length), 0);
  return trySyscall(
    SYS.lsetxattr,
    pathAddress(pathIn(directory, name), 0),
    pathAddress(attribute, 1),
    address,
    Math.min(value.length, buffer.length),
    0,
  );
}

/** Sets one extended attribute of an open file. Returns 0 or -errno. */
export function trySetAttributeOf(fd: number, attribute: string, value: Uint8Array): number {
  buffer.set(value.subarray(0, buffer.length), 0);
  return trySyscall(SYS.fsetxattr, fd, pathAddress(attribute), address, Math.min(value.length, buffer.length), 0);
}
