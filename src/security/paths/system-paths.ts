import { existsSync, readdirSync } from "node:fs";

/**
 * Kernel files hidden from containers: Docker's and Podman's together. Each has let a container read what is the
 * host's (powercap: power side channel, keys, timers, …) or harm it (scsi, acpi).
 */
const masked = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
  "/sys/fs/selinux",
];

const readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Thermal counters, one directory per CPU that has them (GHSA-6fw5-f8r9-fgfm). */
function thermalThrottlePaths(): string[] {
  const base = "/sys/devices/system/cpu";
  let entries: string[];
  try {
    entries = readdirSync(base);
  } catch {
    // No sysfs: nothing to hide.
    return [];
  }
  return entries
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${base}/${name}/thermal_throttle`)
    .filter((path) => existsSync(path));
}

let maskedHere: readonly string[] | undefined;

/** Paths that a container cannot see into, unless it is privileged or `systempaths=unconfined`. */
export function defaultMaskedPaths(): readonly string[] {
  maskedHere ??= [...masked, ...thermalThrottlePaths()];
  return maskedHere;
}

/** Paths that a container cannot write to, likewise. */
export function defaultReadonlyPaths(): readonly string[] {
  return readonly;
}
