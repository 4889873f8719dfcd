import type { HostConfig, RuntimeSeccomp } from "#formats";
import { requireAppArmorProfile } from "./apparmor/load.ts";
import { hostHasAppArmor } from "./apparmor/profile.ts";
import { availableCapabilities } from "./capabilities/names.ts";
import { resolveCapabilities } from "./capabilities/resolve.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "./paths/system-paths.ts";
import { containerSeccomp, kernelHasSeccomp } from "./seccomp/container-seccomp.ts";
import { parseSecurityOptions } from "./security-options.ts";

/** Every security decision about one container, ready for its OCI spec. */
export type ContainerSecurity = {
  /** The bounding set; `capabilitySets` turns it into a process's sets. */
  readonly capabilities: readonly string[];
  readonly seccomp: RuntimeSeccomp | undefined;
  readonly noNewPrivileges: boolean;
  readonly appArmorProfile: string | undefined;
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
  readonly writableCgroups: boolean;
  readonly privileged: boolean;
};

/**
 * Decides by HostConfig and the daemon's defaults. Throws invalid as `checkSecurityOptions` does, and when the
 * AppArmor profile is not loaded.
 */
export function containerSecurity(
  hostConfig: Pick<HostConfig, "SecurityOpt" | "CapAdd" | "CapDrop" | "Privileged" | "MaskedPaths" | "ReadonlyPaths">,
  defaults: {
    readonly noNewPrivileges: boolean;
    readonly appArmorProfile: string | undefined;
    /** The daemon's `--seccomp-profile`: JSON text, "unconfined" or "builtin". */
    readonly seccompProfile?: string | undefined;
  },
): ContainerSecurity {
  const privileged = hostConfig.Privileged === true;
  const options = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const capabilities = resolveCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged,
  });
  const appArmorProfile = appArmorProfileOf(hostConfig, defaults.appArmorProfile);
  if (appArmorProfile !== undefined) requireAppArmorProfile(appArmorProfile);
  const openPaths = privileged || options.systemPathsUnconfined;
  return {
    capabilities,
    seccomp: containerSeccomp(
      options.seccomp ?? (privileged ? undefined : defaults.seccompProfile),
      capabilities,
      privileged,
    ),
    noNewPrivileges: options.noNewPrivileges ?? defaults.noNewPrivileges,
    appArmorProfile,
    maskedPaths: openPaths ? [] : (hostConfig.MaskedPaths ?? defaultMaskedPaths()),
    readonlyPaths: openPaths ? [] : (hostConfig.ReadonlyPaths ?? defaultReadonlyPaths()),
    writableCgroups: options.writableCgroups || privileged,
    privileged,
  };
}

/**
 * The AppArmor profile a container gets, loaded or not. On a host without AppArmor the option has nothing to act on, as
 * in Docker.
 */
export function appArmorProfileOf(
  hostConfig: Pick<HostConfig, "SecurityOpt" | "Privileged">,
  byDefault: string | undefined,
): string | undefined {
  if (!hostHasAppArmor()) return undefined;
  const { appArmor } = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  return appArmor ?? (hostConfig.Privileged === true ? "unconfined" : byDefault);
}

/** The capabilities of `exec --privileged`; the container's seccomp filter and AppArmor profile stay. */
export function privilegedCapabilities(): readonly string[] {
  return availableCapabilities();
}

/** What `info` lists under SecurityOptions. */
export function securityOptions(
  appArmor: string | undefined,
  seccompProfile = "builtin",
  isRemapped = false,
): readonly string[] {
  const options: string[] = [];
  if (appArmor !== undefined) options.push("name=apparmor");
  if (kernelHasSeccomp()) options.push(`name=seccomp,profile=${seccompProfile}`);
  if (isRemapped) options.push("name=userns");
  options.push("name=cgroupns");
  return options;
}
