export { loadAppArmorProfile } from "./apparmor/load.ts";
export { appArmorProfileName, appArmorProfileText, hostHasAppArmor } from "./apparmor/profile.ts";
export { availableCapabilities, defaultCapabilities } from "./capabilities/names.ts";
export { type CapabilityRequest, capabilitySets, resolveCapabilities } from "./capabilities/resolve.ts";
export {
  type ContainerSecurity,
  containerSecurity,
  privilegedCapabilities,
  securityOptions,
} from "./container-security.ts";
export { defaultMaskedPaths, defaultReadonlyPaths } from "./paths/system-paths.ts";
export { containerSeccomp, defaultSeccompProfile } from "./seccomp/container-seccomp.ts";
export { parseSeccompProfile, type SeccompProfile } from "./seccomp/profile.ts";
export { resolveSeccomp, type SeccompTarget } from "./seccomp/resolve.ts";
export { checkSecurityOptions, parseSecurityOptions, type SecurityOptions } from "./security-options.ts";
export { type ResolvedUser, resolveUser, resolveUserIn } from "./users/resolve-user.ts";
