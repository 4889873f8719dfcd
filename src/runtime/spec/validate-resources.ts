import { parseNumberList } from "#base";
import type { HostConfig } from "#formats";
import { errors } from "../errors.ts";

/** What limits are checked against. */
export type HostLimits = {
  /** Numbers of the CPUs that are online, and the kernel's text for them ("0-1"). */
  readonly cpus: ReadonlySet<number>;
  readonly cpusText: string;
  readonly memoryNodesText: string;
  readonly offered: Readonly<
    Record<
      | "memory"
      | "swap"
      | "memoryReservation"
      | "memorySwappiness"
      | "kernelMemoryTcp"
      | "oomKillDisable"
      | "pids"
      | "cpuShares"
      | "cpuWeight"
      | "cpuCfs"
      | "cpuRealtime"
      | "cpuset"
      | "blkioWeight"
      | "blkioWeightDevice"
      | "blkioThrottle",
      boolean
    >
  >;
};

const minimumMemoryBytes = 6 * 1024 * 1024;
const largestCpuShares = 262_144;

/**
 * Refuses limits no kernel would take, in Docker's words, and drops those this host's kernel does not offer, each with
 * Docker's warning (moby `daemon/daemon_unix.go`, verifyPlatformContainerResources). Returns what is left and the warnings.
 */
export function validateResources(
  hostConfig: HostConfig,
  host: HostLimits,
): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  checkMemory(hostConfig);
  checkCpu(hostConfig, host);
  checkBlkio(hostConfig);
  if ((hostConfig.KernelMemory ?? 0) > 0 && (hostConfig.KernelMemory ?? 0) < 4 * 1024 * 1024)
    throw errors.kernelMemory();
  if ((hostConfig.IOMaximumBandwidth ?? 0) !== 0) throw errors.ioMaximum("bandwidth");
  if ((hostConfig.IOMaximumIOps ?? 0) !== 0) throw errors.ioMaximum("IOPs");
  for (const { Name, Soft, Hard } of hostConfig.Ulimits ?? []) {
    if (!isUlimitName(Name)) throw errors.ulimitUnknown(Name);
    if (Hard !== -1 && (Soft === -1 || Soft > Hard)) throw errors.ulimitInverted(Name, Soft, Hard);
  }
  return dropUnoffered(hostConfig, host.offered);
}

/** Names of setrlimit(2)'s limits as `--ulimit` has them (docker/go-units, ulimit.go). */
const ulimitNames: ReadonlySet<string> = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

function isUlimitName(name: string): boolean {
  return ulimitNames.has(name.toLowerCase().replace(/^rlimit_/, ""));
}

function checkMemory(hostConfig: HostConfig): void {
  const memory = hostConfig.Memory ?? 0;
  const swap = hostConfig.MemorySwap ?? 0;
  const reservation = hostConfig.MemoryReservation ?? 0;
  const swappiness = hostConfig.MemorySwappiness;
  if (memory !== 0 && memory < minimumMemoryBytes) throw errors.memoryMinimum();
  if (memory === 0 && swap > 0) throw errors.swapWithoutMemory();
  if (memory > 0 && swap > 0 && swap < memory) throw errors.swapBelowMemory();
  if (reservation !== 0 && reservation < minimumMemoryBytes) throw errors.reservationMinimum();
  if (memory > 0 && reservation > memory) throw errors.reservationAboveMemory();
  if (swappiness !== null && swappiness !== undefined && (swappiness < -1 || swappiness > 100)) {
    throw errors.swappinessRange(swappiness);
  }
}

function checkCpu(hostConfig: HostConfig, host: HostLimits): void {
  const nanoCpus = hostConfig.NanoCpus ?? 0;
  const period = hostConfig.CpuPeriod ?? 0;
  const quota = hostConfig.CpuQuota ?? 0;
  const shares = hostConfig.CpuShares ?? 0;
  if (nanoCpus !== 0 && period !== 0) throw errors.optionsExclude("Nano CPUs", "CPU Period");
  if (nanoCpus !== 0 && quota !== 0) throw errors.optionsExclude("Nano CPUs", "CPU Quota");
  if (nanoCpus !== 0 && (nanoCpus < 0 || nanoCpus > host.cpus.size * 1e9)) throw errors.cpusRange(host.cpus.size);
  if (shares < 0 || shares === 1 || shares > largestCpuShares) throw errors.cpuSharesRange(shares);
  if (period !== 0 && (period < 1000 || period > 1_000_000)) throw errors.cpuPeriodRange();
  if (quota > 0 && quota < 1000) throw errors.cpuQuotaRange();
  const realtimePeriod = hostConfig.CpuRealtimePeriod ?? 0;
  const realtimeRuntime = hostConfig.CpuRealtimeRuntime ?? 0;
  if ((realtimePeriod !== 0 || realtimeRuntime !== 0) && !host.offered.cpuRealtime) throw errors.cpuRealtimeMissing();
  if (nanoCpus > 0 && !host.offered.cpuCfs) throw errors.nanoCpusMissing();
  if (realtimePeriod !== 0 && realtimeRuntime > realtimePeriod) throw errors.cpuRealtime();
  checkList("CPUs", hostConfig.CpusetCpus ?? "", host.cpus, host.cpusText);
  checkList(
    "memory nodes",
    hostConfig.CpusetMems ?? "",
    new Set(parseNumberList(host.memoryNodesText)),
    host.memoryNodesText,
  );
}

function checkList(what: string, text: string, available: ReadonlySet<number>, availableText: string): void {
  if (text === "") return;
  const wanted = text.trim() === "" ? undefined : parseNumberList(text);
  if (wanted === undefined) throw errors.cpusetMalformed(what === "CPUs" ? "cpus" : "mems", text);
  if (wanted.some((number) => !available.has(number))) throw errors.cpusetUnavailable(what, text, availableText);
}

function checkBlkio(hostConfig: HostConfig): void {
  const weight = hostConfig.BlkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw errors.blkioWeightRange();
  for (const { Path, Weight } of hostConfig.BlkioWeightDevice ?? []) {
    if (Weight !== 0 && (Weight < 10 || Weight > 1000)) throw errors.blkioWeightDeviceRange(Path);
  }
  const lists = [
    hostConfig.BlkioDeviceReadBps,
    hostConfig.BlkioDeviceWriteBps,
    hostConfig.BlkioDeviceReadIOps,
    hostConfig.BlkioDeviceWriteIOps,
  ];
  for (const { Path, Rate } of lists.flatMap((list) => list ?? [])) if (Rate < 0) throw errors.blkioRate(Path);
}

/** Which fields each offered limit stands for, and what Docker says when the kernel lacks it. */
const rules: readonly {
  readonly offered: keyof HostLimits["offered"];
  readonly fields: readonly (keyof HostConfig)[];
  readonly warning: string;
}[] = [
  {
    offered: "memory",
    fields: ["Memory", "MemorySwap"],
    warning:
      "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
  },
  {
    offered: "memoryReservation",
    fields: ["MemoryReservation"],
    warning:
      "Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.",
  },
  {
    offered: "memorySwappiness",
    fields: ["MemorySwappiness"],
    warning:
      "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.",
  },
  {
    offered: "oomKillDisable",
    fields: ["OomKillDisable"],
    warning: "Your kernel does not support OomKillDisable. OomKillDisable discarded.",
  },
  {
    offered: "pids",
    fields: ["PidsLimit"],
    warning: "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
  },
  {
    offered: "cpuShares",
    fields: ["CpuShares"],
    warning: "Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.",
  },
  {
    offered: "cpuCfs",
    fields: ["CpuPeriod", "CpuQuota"],
    warning: "Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.",
  },
  {
    offered: "kernelMemoryTcp",
    fields: ["KernelMemoryTCP"],
    warning:
      "Your kernel does not support kernel memory TCP limit capabilities or the cgroup is not mounted. Limitation discarded.",
  },
  {
    offered: "cpuset",
    fields: ["CpusetCpus", "CpusetMems"],
    warning: "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
  },
  {
    offered: "blkioWeight",
    fields: ["BlkioWeight"],
    warning: "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  },
  {
    offered: "blkioWeightDevice",
    fields: ["BlkioWeightDevice"],
    warning:
      "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
  },
  ...throttleRule("BlkioDeviceReadBps", "BPS Block I/O read limit", "Block I/O BPS read limit"),
  ...throttleRule("BlkioDeviceWriteBps", "BPS Block I/O write limit", "Block I/O BPS write limit"),
  ...throttleRule("BlkioDeviceReadIOps", "IOPS Block read limit", "Block I/O IOPS read limit"),
  ...throttleRule("BlkioDeviceWriteIOps", "IOPS Block write limit", "Block I/O IOPS write limit"),
];

function throttleRule(field: keyof HostConfig, what: string, discarded: string) {
  const warning = `Your kernel does not support ${what} or the cgroup is not mounted. ${discarded} discarded.`;
  return [{ offered: "blkioThrottle", fields: [field], warning }] as const;
}

function isSet(value: unknown): boolean {
  if (value === null || value === undefined || value === 0 || value === "" || value === false || value === -1)
    return false;
  return !(Array.isArray(value) && value.length === 0);
}

function dropUnoffered(
  hostConfig: HostConfig,
  offered: HostLimits["offered"],
): { readonly hostConfig: HostConfig; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const kept: Record<string, unknown> = { ...hostConfig };
  for (const rule of rules) {
    if (offered[rule.offered] || !rule.fields.some((field) => isSet(hostConfig[field]))) continue;
    warnings.push(rule.warning);
    for (const field of rule.fields) kept[field] = null;
  }
  if (offered.memory && !offered.swap && (hostConfig.Memory ?? 0) > 0 && (hostConfig.MemorySwap ?? 0) > 0) {
    warnings.push(
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.",
    );
    kept["MemorySwap"] = -1;
  }
  if (hostConfig.OomKillDisable === true && (hostConfig.Memory ?? 0) === 0) {
    warnings.push(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  // Windows alone has these.
  if ((hostConfig.CpuPercent ?? 0) > 0) {
    warnings.push("linux does not support CPU percent. Percent discarded.");
    kept["CpuPercent"] = 0;
  }
  if ((hostConfig.CpuCount ?? 0) > 0) {
    warnings.push("linux does not support CPU count. Count discarded.");
    kept["CpuCount"] = 0;
  }
  if ((hostConfig.KernelMemory ?? 0) > 0)
    warnings.push("Specifying a kernel memory limit is deprecated and has no effect.");
  return { hostConfig: kept, warnings };
}
