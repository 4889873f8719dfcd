import { readFileSync } from "node:fs";
import type { Logger } from "#base";
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

/**
 * Loads Berth's AppArmor profile unless the kernel has it. Returns its name; undefined, with a warning in the log, when
 * the host has AppArmor but the profile cannot be loaded, and silently when it has none. Call it before each start as
 * well: an upgrade of the host's packages may have unloaded the profile.
 */
export function loadAppArmorProfile(logger: Logger): string | undefined {
  if (!hostHasAppArmor()) return undefined;
  if (isAppArmorProfileLoaded(appArmorProfileName)) return appArmorProfileName;
  const parser = Bun.which("apparmor_parser", { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` });
  if (parser === null) {
    logger.warn("AppArmor is on, but apparmor_parser is missing: containers run without a profile", {
      hint: "install the package apparmor",
    });
    return undefined;
  }
  // -K: no cache, -r: replace.
  const load = Bun.spawnSync([parser, "-Kr"], { stdin: Buffer.from(appArmorProfileText()) });
  if (load.exitCode === 0) return appArmorProfileName;
  logger.warn("AppArmor profile could not be loaded: containers run without it", {
    error: load.stderr.toString().trim(),
  });
  return undefined;
}
