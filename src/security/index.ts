export { loadAppArmorProfile } from "./apparmor/load.ts";

export { type CapabilityRequest, capabilitySets } from "./capabilities/resolve.ts";
export {
  appArmorProfileOf,
  type ContainerSecurity,
  containerSecurity,
  privilegedCapabilities,
  securityOptions,
} from "./container-security.ts";
export { defaultMaskedPaths, defaultReadonlyPaths } from "./paths/system-paths.ts";

export { type SeccompProfile } from "./seccomp/profile.ts";
export { type SeccompTarget } from "./seccomp/resolve.ts";
export { checkSecurityOptions, type SecurityOptions } from "./security-options.ts";
export { type ResolvedUser, resolveUser } from "./users/resolve-user.ts";
