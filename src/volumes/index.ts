export * from "./contract.ts";
export { type CreateVolumeRequest, type LocalVolumes, openLocalVolumes } from "./local-volumes.ts";
export { mountOptions } from "./mount-options.ts";
export { mountVolume, unmountVolume } from "./mount-volume.ts";
