import { hostRoot, type IdMapping } from "#base";

/*
 * A file's capabilities count only for programs whose root is the one they were given by. Those of an image are given by
 * the host's (VFS_CAP_REVISION_2); in a user namespace they need its root's name (VFS_CAP_REVISION_3, Linux 4.14;
 * include/uapi/linux/capability.h, capabilities(7) "File capability extended attribute versioning").
 */

const NAME = "security.capability";
const REVISION_MASK = 0xff00_0000;
const REVISION_2 = 0x0200_0000;
const REVISION_3 = 0x0300_0000;
const LENGTH_2 = 20;
const LENGTH_3 = 24;

function hasRevision(value: Buffer, revision: number, length: number): boolean {
  return value.length === length && (value.readUInt32LE(0) & REVISION_MASK) >>> 0 === revision;
}

function withRevision(value: Buffer, revision: number, length: number): Buffer {
  const changed = Buffer.alloc(length);
  value.copy(changed);
  changed.writeUInt32LE(((value.readUInt32LE(0) & ~REVISION_MASK) | revision) >>> 0, 0);
  return changed;
}

/** An attribute of an archive as it is set where ids are remapped: capabilities become those of the containers' root. */
export function hostAttribute(mapping: IdMapping, name: string, value: Buffer): Buffer {
  if (name !== NAME || !hasRevision(value, REVISION_2, LENGTH_2)) return value;
  const changed = withRevision(value, REVISION_3, LENGTH_3);
  changed.writeUInt32LE(hostRoot(mapping).uid, LENGTH_2);
  return changed;
}

/** Attributes of a file as an archive has them: the reverse of `hostAttribute`. */
export function containerAttributes(
  mapping: IdMapping | undefined,
  attributes: ReadonlyMap<string, Buffer>,
): ReadonlyMap<string, Buffer> {
  const value = mapping === undefined ? undefined : attributes.get(NAME);
  if (mapping === undefined || value === undefined || !hasRevision(value, REVISION_3, LENGTH_3)) return attributes;
  if (value.readUInt32LE(LENGTH_2) !== hostRoot(mapping).uid) return attributes;
  return new Map([...attributes, [NAME, withRevision(value, REVISION_2, LENGTH_2)]]);
}
