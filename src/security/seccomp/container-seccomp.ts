import { readFileSync } from "node:fs";
import type { RuntimeSeccomp } from "#formats";
import { kernelVersion } from "#linux";
import defaultProfileData from "../seccomp-default.json" with { type: "json" };
import { parseSeccompProfile, type SeccompProfile } from "./profile.ts";
import { resolveSeccomp } from "./resolve.ts";

/** Docker's default profile (github.com/moby/profiles, seccomp/default.json), unchanged. */
export const defaultSeccompProfile = defaultProfileData as SeccompProfile;

let offered: boolean | undefined;

/** Whether this kernel can filter system calls. */
export function kernelHasSeccomp(): boolean {
  offered ??= /^Seccomp:/m.test(readFileSync("/proc/self/status", "latin1"));
  return offered;
}

/** By capability list: containers differ in little else. */
const resolvedDefaults = new Map<string, RuntimeSeccomp | undefined>();

function resolvedDefault(capabilities: readonly string[]): RuntimeSeccomp | undefined {
  const key = capabilities.toSorted().join(" ");
  if (!resolvedDefaults.has(key)) {
    if (resolvedDefaults.size > 64) resolvedDefaults.clear();
    const target = { capabilities, architecture: process.arch, kernel: kernelVersion() };
    resolvedDefaults.set(key, resolveSeccomp(defaultSeccompProfile, target));
  }
  return resolvedDefaults.get(key);
}

/**
 * The filter of a container: "unconfined" = none; a privileged container has one only when a profile is given; else
 * the given profile's JSON text, or the default ("" or "builtin"). Treat the result as read-only: it is cached.
 */
export function containerSeccomp(
  option: string | undefined,
  capabilities: readonly string[],
  privileged: boolean,
): RuntimeSeccomp | undefined {
  if (option === "unconfined" || !kernelHasSeccomp()) return undefined;
  const isDefault = option === undefined || option === "" || option === "builtin";
  if (isDefault) return privileged ? undefined : resolvedDefault(capabilities);
  const target = { capabilities, architecture: process.arch, kernel: kernelVersion() };
  return resolveSeccomp(parseSeccompProfile(option), target);
}
