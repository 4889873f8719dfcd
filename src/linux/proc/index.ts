export { type HostCpuTime, onlineCpuList, parseHostCpuTime, readHostCpuTime } from "./cpu.ts";
export { kernelVersion, type KernelVersion, lastCapability, parseKernelVersion, readSysctl } from "./kernel.ts";
export { type HostMemory, parseHostMemory, readHostMemory } from "./memory.ts";
export { type MountInfo, mountOf, parseMountInfo, readMountInfo } from "./mountinfo.ts";
export { type OsRelease, parseOsRelease, readOsRelease } from "./os-release.ts";
export { readProcessStatus, type ProcessStatus } from "./process-status.ts";
export {
  isResourceLimitName,
  readResourceLimits,
  type ResourceLimit,
  type ResourceLimitName,
} from "./resource-limits.ts";
