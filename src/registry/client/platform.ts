import { architectureNames, hostPlatform, normalizedPlatform, type Platform } from "#formats";
import { errors } from "../errors.ts";

const knownSystems = new Set(["linux", "windows", "darwin", "freebsd", "netbsd", "openbsd", "solaris", "plan9"]);

/** Reads "linux/arm64", "linux/arm/v7", "arm64" or "linux" as Docker does (containerd: platforms.Parse). */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  for (const part of parts) {
    if (!/^[A-Za-z0-9_.-]+$/.test(part)) {
      throw errors.registryPlatformInvalid(text, "letters, digits and _.- only, as in linux/arm64/v8");
    }
  }
  const [first = "", second, third] = parts;
  if (parts.length > 3) throw errors.registryPlatformInvalid(text, "os/architecture[/variant] expected");
  if (second === undefined) {
    if (knownSystems.has(first.toLowerCase())) return normalizedPlatform({ ...hostPlatform(), os: first });
    if (architectureNames[first.toLowerCase()] === undefined && !isArchitecture(first)) {
      throw errors.registryPlatformInvalid(text, "unknown operating system or architecture");
    }
    return normalizedPlatform({ os: "linux", architecture: first });
  }
  return normalizedPlatform({ os: first, architecture: second, ...(third === undefined ? {} : { variant: third }) });
}

function isArchitecture(text: string): boolean {
  return ["arm", "ppc64le", "ppc64", "s390x", "riscv64", "mips64le", "mips64", "loong64", "wasm", "386"].includes(text);
}
