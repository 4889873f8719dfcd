export { deleteArguments, execArguments, runArguments, type RuntimeExecutable } from "./driver/arguments.ts";
export { type CgroupFacts, findRuntimes, type FoundRuntime } from "./driver/find-runtimes.ts";
export { runtimeError, runtimeMessage } from "./driver/runtime-error.ts";
export { buildRuntimeSpec, type NamespaceChoice, type SpecInput } from "./spec/build-spec.ts";
export { parseDeviceRule, resolveDevices, splitDeviceNumber } from "./spec/devices.ts";
export { blockDevice, runtimeResources } from "./spec/resources.ts";
export { type HostLimits, validateResources } from "./spec/validate-resources.ts";
export { checkSysctls, type OwnNamespaces } from "./spec/sysctls.ts";
export { serializeSpec } from "./spec/serialize.ts";
