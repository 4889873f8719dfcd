import type { HostConfig } from "#formats";
import { resolveCapabilities } from "./capabilities/resolve.ts";
import { errors } from "./errors.ts";
import { parseSeccompProfile } from "./seccomp/profile.ts";

/** `--security-opt`, parsed. Undefined = not given. */
export type SecurityOptions = {
  readonly noNewPrivileges: boolean | undefined;
  /** "unconfined", "builtin" or a profile's JSON text. */
  readonly seccomp: string | undefined;
  readonly appArmor: string | undefined;
  /** SELinux label options; they have an effect on hosts with SELinux only. */
  readonly labels: readonly string[];
  /** `systempaths=unconfined`: no masked and no read-only paths. */
  readonly systemPathsUnconfined: boolean;
  readonly writableCgroups: boolean;
};

/** Go's strconv.ParseBool; undefined when it is neither. */
function parseBoolean(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}

/** Parses the list a client sent (moby `daemon/daemon_unix.go`, parseSecurityOpt). Throws invalid in Docker's words. */
export function parseSecurityOptions(list: readonly string[]): SecurityOptions {
  let noNewPrivileges: boolean | undefined;
  let seccomp: string | undefined;
  let appArmor: string | undefined;
  let systemPathsUnconfined = false;
  let writableCgroups = false;
  const labels: string[] = [];
  for (const option of list) {
    if (option === "no-new-privileges") {
      noNewPrivileges = true;
      continue;
    }
    if (option === "disable") {
      labels.push("disable");
      continue;
    }
    // ":" is the separator of old clients.
    const separator = option.includes("=") ? option.indexOf("=") : option.indexOf(":");
    if (separator < 0) throw errors.securityOptionMalformed(option);
    const value = option.slice(separator + 1);
    const flag = (): boolean => {
      const parsed = parseBoolean(value);
      if (parsed === undefined) throw errors.securityOptionUnknown(option);
      return parsed;
    };
    switch (option.slice(0, separator)) {
      case "label":
        labels.push(value);
        break;
      case "apparmor":
        // The name ends up in a file of /proc: no spaces, no control characters, no separators.
        if (!/^[\w./@+&:-]{1,255}$/.test(value)) throw errors.appArmorProfileInvalid(value);
        appArmor = value;
        break;
      case "seccomp":
        seccomp = value;
        break;
      case "no-new-privileges":
        noNewPrivileges = flag();
        break;
      case "writable-cgroups":
        writableCgroups = flag();
        break;
      case "systempaths":
        if (value !== "unconfined") throw errors.securityOptionUnknown(option);
        systemPathsUnconfined = true;
        break;
      default:
        throw errors.securityOptionUnknown(option);
    }
  }
  return { noNewPrivileges, seccomp, appArmor, labels, systemPathsUnconfined, writableCgroups };
}

/** Refuses at create what could only fail at start: options, capabilities and a seccomp profile that is none. */
export function checkSecurityOptions(
  hostConfig: Pick<HostConfig, "SecurityOpt" | "CapAdd" | "CapDrop" | "Privileged">,
): void {
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  if (seccomp !== undefined && !["", "builtin", "unconfined"].includes(seccomp)) parseSeccompProfile(seccomp);
  resolveCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged === true,
  });
}
