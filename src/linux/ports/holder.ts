import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** A process of this host that has a port open. */
export type PortHolder = { readonly pid: number; readonly name: string };

/** Who has `port` open in the calling thread's network namespace; undefined when nobody (or only the kernel) has. For error messages: it scans /proc. */
export function findPortHolder(protocol: "tcp" | "udp" | "sctp", port: number): PortHolder | undefined {
  if (protocol === "sctp") return undefined;
  const inodes = new Set([...socketInodes(protocol, port), ...socketInodes(`${protocol}6`, port)]);
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode !== undefined && inodes.has(inode)) {
          return { pid: Number(pid), name: readFileSync(`/proc/${pid}/comm`, "utf8").trim() };
        }
      }
    } catch {
      // The process or the descriptor has gone while we looked.
    }
  }
  return undefined;
}

/** Inodes of listening TCP or bound UDP sockets on a port (proc(5), /proc/net/tcp: local_address, st, inode). */
function socketInodes(table: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(`/proc/thread-self/net/${table}`, "utf8");
  } catch {
    // No IPv6 in this kernel.
    return [];
  }
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const states = table.startsWith("tcp") ? ["0A", "07"] : ["07"];
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local, , state] = fields;
    const inode = fields[9];
    if (local === undefined || state === undefined || inode === undefined) return [];
    return local.endsWith(suffix) && states.includes(state) ? [inode] : [];
  });
}
