export * from "./contract.ts";
export { type CreateVolumeRequest, type LocalVolumes, openLocalVolumes } from "./local-volumes.ts";
export { type LocalMountOptions, mountOptions } from "./mount-options.ts";
