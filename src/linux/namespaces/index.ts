export {
  closeNamespace,
  createNetworkNamespace,
  insideNetworkNamespace,
  openOwnNetworkNamespace,
} from "./network-namespace.ts";
export { makeOwnedNamespaces, type OwnedNamespaces } from "./user-namespace.ts";
export { sysctlPath, writeSysctl } from "./sysctl.ts";
