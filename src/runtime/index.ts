export { buildRuntimeSpec, type NamespaceChoice, type SpecInput } from "./spec/build-spec.ts";
export { parseDeviceRule, resolveDevices, splitDeviceNumber } from "./spec/devices.ts";
export { blockDevice, runtimeResources } from "./spec/resources.ts";
