import { readFileSync } from "node:fs";
import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

/** Who is at the other end of a unix socket, as the kernel noted it when the connection was made; unix(7). */
export type Peer = { readonly pid: number; readonly uid: number; readonly gid: number };

const credentials = stableBuffer(12);
const length = stableBuffer(4);

/** The peer of a connected unix socket; undefined for any other descriptor. */
export function peerOf(fd: number): Peer | undefined {
  length.writeUInt32LE(credentials.length, 0);
  if (trySyscall(SYS.getsockopt, fd, SOL_SOCKET, SO_PEERCRED, credentials, length) < 0) return undefined;
  const pid = credentials.readInt32LE(0);
  // A TCP socket has no peer credentials: the kernel says pid 0.
  return pid <= 0 ? undefined : { pid, uid: credentials.readUInt32LE(4), gid: credentials.readUInt32LE(8) };
}

/** The supplementary groups of a process; none when it is gone. */
export function groupsOf(pid: number): readonly number[] {
  try {
    const line = /^Groups:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? "";
    return line.split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
