import type { BuildRequest } from "#builder";

/** A build without any option, to which tests add what they are about. */
export const plainBuildRequest: Omit<BuildRequest, "context"> = {
  tags: [],
  buildArgs: {},
  labels: {},
  target: undefined,
  noCache: false,
  pull: false,
  networkMode: undefined,
  extraHosts: [],
  platform: undefined,
  cacheFrom: [],
  squash: false,
  shmSizeBytes: undefined,
  cgroupParent: undefined,
  securityOpt: [],
  ulimits: [],
  resources: {},
  remove: true,
  forceRemove: false,
};
