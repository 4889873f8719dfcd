export {
  closeNamespace,
  createNetworkNamespace,
  insideNetworkNamespace,
  openOwnNetworkNamespace,
} from "./network-namespace.ts";
export { sysctlPath, writeSysctl } from "./sysctl.ts";
