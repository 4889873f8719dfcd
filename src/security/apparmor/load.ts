import { readFileSync } from "node:fs";
import type { Logger } from "#base";
import { errors } from "../errors.ts";
import { appArmorProfileName, appArmorProfileText, hostHasAppArmor } from "./profile.ts";

/** True when the kernel holds a profile of this name, in whatever mode. */
export function isAppArmorProfileLoaded(name: string): boolean {
  try {
    const profiles = readFileSync("/sys/kernel/security/apparmor/profiles", "utf8");
    return profiles.split("\n").some((line) => line.startsWith(`${name} (`));
  } catch {
    // securityfs is not mounted or not readable: nothing is known to be loaded.
    return false;
  }
}

/** Loads Berth's profile into the kernel; why it could not, or undefined. */
function load(): { readonly error: string; readonly hint?: string } | undefined {
  const parser = Bun.which("apparmor_parser", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` });
  if (parser === null) return { error: "apparmor_parser is missing", hint: "install the package apparmor" };
  // -K: no cache, -r: replace.
  const { exitCode, stderr } = Bun.spawnSync([parser, "-Kr"], { stdin: Buffer.from(appArmorProfileText()) });
  return exitCode === 0 ? undefined : { error: stderr.toString().trim() };
}

/**
 * Loads Berth's AppArmor profile unless the kernel has it. Returns its name; undefined, with a warning in the log, when
 * the host has AppArmor but the profile cannot be loaded, and silently when it has none.
 */
export function loadAppArmorProfile(logger: Logger): string | undefined {
  if (!hostHasAppArmor()) return undefined;
  const failure = isAppArmorProfileLoaded(appArmorProfileName) ? undefined : load();
  if (failure === undefined) return appArmorProfileName;
  logger.warn("AppArmor profile could not be loaded: containers run without it", failure);
  return undefined;
}

/**
 * Makes sure before a start that the kernel has the profile: the runtime's own words would not name it. Berth's profile
 * is loaded again when someone unloaded it (aa-remove-unknown(8) does, on any host). Throws invalid for another's.
 */
export function requireAppArmorProfile(name: string): void {
  // Stacks and namespaces are the kernel's to judge.
  const isPlain = name !== "unconfined" && !name.startsWith(":") && !name.includes("//");
  if (!isPlain || isAppArmorProfileLoaded(name)) return;
  if (name !== appArmorProfileName) throw errors.appArmorProfileMissing(name);
  const failure = load();
  if (failure !== undefined) throw errors.appArmorProfileUnloadable(name, failure.error);
}
