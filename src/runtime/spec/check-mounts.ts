import { normalize } from "node:path";
import type { RuntimeMount } from "#formats";
import { errors } from "../errors.ts";

/** What may be replaced in /proc, for lxcfs and the like (runc, libcontainer/rootfs_linux.go, checkProcMount). */
const replaceable = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/proc/loadavg",
  "/proc/slabinfo",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/crypto/fips_enabled",
]);

/**
 * Refuses mounts on and in /proc: a runtime writes labels and settings through it, and would write wherever a client or
 * an image pointed it (CVE-2019-16884, CVE-2019-19921). The host's own procfs may be bound over it (`--pid host`).
 */
export function checkMountsInProc(mounts: readonly RuntimeMount[]): void {
  for (const { destination, source, type } of mounts) {
    const path = normalize(`/${destination}`).replace(/(.)\/$/, "$1");
    if (path === "/proc" ? type === "bind" && normalize(source) === "/proc" : !path.startsWith("/proc/")) continue;
    if (!replaceable.has(path)) throw errors.mountInProc(destination);
  }
}
