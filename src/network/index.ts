export { checkHostAddress, parseAddressPool } from "./address-pools.ts";
export type { DefaultBridgeSettings } from "./bridge/default-bridge.ts";
export type {
  ConnectRequest,
  Endpoint,
  HostsFileOptions,
  JoinRequest,
  LiveContainer,
  NetworkDriver,
  NetworkPool,
  NetworkRecord,
  NetworkRequest,
  NetworkService,
  PortPublication,
  PublishedPort,
  ResolvConfOptions,
  Sandbox,
  SandboxRequest,
} from "./contract.ts";
export { buildHostsFile } from "./hosts-file.ts";
export type { Instance } from "./instance-names.ts";
export { type AddressPool } from "./ipam/subnet-choice.ts";
export { createNetworkService, type LinuxNetworkService, type NetworkServiceOptions } from "./network-service.ts";
export { buildResolvConf, readHostResolvConf } from "./resolv-conf.ts";
