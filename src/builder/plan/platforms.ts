import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Platform } from "#formats";
import { hostPlatform } from "./platform.ts";

/** binfmt_misc's names of QEMU's interpreters (Documentation/admin-guide/binfmt-misc.rst), and what each can run. */
const emulated: Readonly<Record<string, Platform>> = {
  "qemu-x86_64": { os: "linux", architecture: "amd64" },
  "qemu-i386": { os: "linux", architecture: "386" },
  "qemu-aarch64": { os: "linux", architecture: "arm64" },
  "qemu-arm": { os: "linux", architecture: "arm", variant: "v7" },
  "qemu-riscv64": { os: "linux", architecture: "riscv64" },
  "qemu-ppc64le": { os: "linux", architecture: "ppc64le" },
  "qemu-s390x": { os: "linux", architecture: "s390x" },
  "qemu-mips64el": { os: "linux", architecture: "mips64le" },
  "qemu-mips64": { os: "linux", architecture: "mips64" },
  "qemu-loongarch64": { os: "linux", architecture: "loong64" },
};

/** Platforms whose programs run here: this machine's first, then those that an emulator is registered for. */
export function platformsOf(registrations = "/proc/sys/fs/binfmt_misc"): readonly Platform[] {
  const host = hostPlatform();
  const own: readonly Platform[] =
    host.architecture === "amd64" ? [host, { os: "linux", architecture: "386" }] : [host];
  if (!existsSync(registrations)) return own;
  const others = readdirSync(registrations).flatMap((name) => {
    const platform = Object.hasOwn(emulated, name) ? emulated[name] : undefined;
    if (platform === undefined || own.some(({ architecture }) => architecture === platform.architecture)) return [];
    try {
      return readFileSync(join(registrations, name), "utf8").startsWith("enabled") ? [platform] : [];
    } catch {
      return [];
    }
  });
  return [...own, ...others];
}
