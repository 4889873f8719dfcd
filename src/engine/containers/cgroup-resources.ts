import type { Resources } from "#cgroups";
import type { HostConfig } from "#formats";
import { blockDevice } from "#runtime";

type Rates = HostConfig["BlkioDeviceReadBps"];
const rates = (list: Rates) => list?.map(({ Path, Rate }) => ({ ...blockDevice(Path), rate: Rate }));

/** 0 and null mean "leave as it is" in an update. */
const set = (value: number | null | undefined) => (value ? value : undefined);
const text = (value: string | null | undefined) => (value ? value : undefined);

const period = 100_000;

/**
 * Limits as the control group takes them. `changed` says what the client asked to change, `next` what is in force
 * afterwards: a new memory limit carries the swap limit along, as the kernel checks both.
 */
export function cgroupResources(changed: Partial<HostConfig>, next: HostConfig): Resources {
  const nanoCpus = set(changed.NanoCpus);
  return {
    memoryBytes: set(changed.Memory),
    memorySwapBytes: set(changed.MemorySwap) ?? (set(changed.Memory) === undefined ? undefined : set(next.MemorySwap)),
    memoryReservationBytes: set(changed.MemoryReservation),
    memorySwappiness: changed.MemorySwappiness === -1 ? undefined : (changed.MemorySwappiness ?? undefined),
    oomKillDisable: changed.OomKillDisable ? true : undefined,
    cpuShares: set(changed.CpuShares),
    cpuPeriodUs: nanoCpus === undefined ? set(changed.CpuPeriod) : period,
    cpuQuotaUs: nanoCpus === undefined ? set(changed.CpuQuota) : Math.round((nanoCpus * period) / 1e9),
    cpuRealtimePeriodUs: set(changed.CpuRealtimePeriod),
    cpuRealtimeRuntimeUs: set(changed.CpuRealtimeRuntime),
    cpusetCpus: text(changed.CpusetCpus),
    cpusetMems: text(changed.CpusetMems),
    blkioWeight: set(changed.BlkioWeight),
    blkioWeightDevice: changed.BlkioWeightDevice?.map(({ Path, Weight }) => ({ ...blockDevice(Path), weight: Weight })),
    blkioReadBps: rates(changed.BlkioDeviceReadBps),
    blkioWriteBps: rates(changed.BlkioDeviceWriteBps),
    blkioReadIops: rates(changed.BlkioDeviceReadIOps),
    blkioWriteIops: rates(changed.BlkioDeviceWriteIOps),
  };
}
