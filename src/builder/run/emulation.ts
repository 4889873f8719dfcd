import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "#formats";
import { errors } from "../errors.ts";
import { formatPlatform, hostPlatform } from "../plan/platform.ts";

/** Architectures a processor runs without help. */
const native: Readonly<Record<string, readonly string[]>> = { amd64: ["amd64", "386"], arm64: ["arm64", "arm"] };

/** How qemu's interpreters name what OCI calls otherwise. */
const qemuNames: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  arm64: "aarch64",
  "386": "i386",
  mips64le: "mips64el",
  loong64: "loongarch64",
};

/** Refuses a command of an architecture that this machine cannot run (binfmt_misc.rst). */
export function checkRunnable(platform: Platform, directory = "/proc/sys/fs/binfmt_misc"): void {
  const host = hostPlatform().architecture;
  const { architecture } = platform;
  if (architecture === host || native[host]?.includes(architecture) === true) return;
  const name = qemuNames[architecture] ?? architecture;
  const isRegistered =
    existsSync(directory) &&
    readdirSync(directory).some(
      (entry) => entry.endsWith(`-${name}`) && readFileSync(join(directory, entry), "utf8").startsWith("enabled"),
    );
  if (!isRegistered) throw errors["build-platform-not-runnable"](formatPlatform(platform), host);
}
