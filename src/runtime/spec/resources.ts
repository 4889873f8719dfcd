import { statSync } from "node:fs";
import { type DeviceNumber, splitDeviceNumber } from "#base";
import type { HostConfig, RuntimeResources } from "#formats";
import { errors } from "../errors.ts";

/** Docker's CFS period for `--cpus`, in microseconds. */
const cpuPeriodUs = 100_000;

/** A block device's numbers by its path on the host. */
export function blockDevice(path: string): DeviceNumber {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined || !status.isBlockDevice()) throw errors.blockDeviceMissing(path);
  return splitDeviceNumber(status.rdev);
}

const throttle = (list: HostConfig["BlkioDeviceReadBps"]) =>
  (list ?? []).map(({ Path, Rate }) => ({ ...blockDevice(Path), rate: Rate }));

/** Only what is set: a runtime applies each field that is present. */
function present<T extends object>(object: T): T {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  ) as T;
}

const nonZero = (value: number | null | undefined) => (value ? value : undefined);
const nonEmpty = (value: string | null | undefined) => (value ? value : undefined);

/** A normalised HostConfig's limits as the OCI runtime takes them (config-linux.md, "Control groups"). */
export function runtimeResources(hostConfig: HostConfig): RuntimeResources {
  const nanoCpus = nonZero(hostConfig.NanoCpus);
  const memory = present({
    limit: nonZero(hostConfig.Memory),
    reservation: nonZero(hostConfig.MemoryReservation),
    swap: nonZero(hostConfig.MemorySwap),
    swappiness: hostConfig.MemorySwappiness ?? undefined,
    kernelTCP: nonZero(hostConfig.KernelMemoryTCP),
    disableOOMKiller: hostConfig.OomKillDisable === true ? true : undefined,
  });
  const cpu = present({
    shares: nonZero(hostConfig.CpuShares),
    period: nanoCpus === undefined ? nonZero(hostConfig.CpuPeriod) : cpuPeriodUs,
    quota: nanoCpus === undefined ? nonZero(hostConfig.CpuQuota) : Math.round((nanoCpus * cpuPeriodUs) / 1e9),
    realtimePeriod: nonZero(hostConfig.CpuRealtimePeriod),
    realtimeRuntime: nonZero(hostConfig.CpuRealtimeRuntime),
    cpus: nonEmpty(hostConfig.CpusetCpus),
    mems: nonEmpty(hostConfig.CpusetMems),
  });
  const blockIO = present({
    weight: nonZero(hostConfig.BlkioWeight),
    weightDevice: (hostConfig.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({
      ...blockDevice(Path),
      weight: Weight,
    })),
    throttleReadBpsDevice: throttle(hostConfig.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttle(hostConfig.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttle(hostConfig.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttle(hostConfig.BlkioDeviceWriteIOps),
  });
  const pids = hostConfig.PidsLimit && hostConfig.PidsLimit > 0 ? { limit: hostConfig.PidsLimit } : undefined;
  const filled = <T extends object>(object: T) => (Object.keys(object).length === 0 ? undefined : object);
  return present({ memory: filled(memory), cpu: filled(cpu), blockIO: filled(blockIO), pids });
}
