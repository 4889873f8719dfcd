import { arch, release } from "node:os";
import type { ServerVersion } from "#server";
import manifest from "../../package.json" with { type: "json" };

const architectures: Readonly<Record<string, string>> = { x64: "amd64" };

/** Who this daemon says it is, in `/version` and in the response headers. */
export function serverVersion(): ServerVersion {
  return {
    version: manifest.version,
    gitCommit: "",
    buildTime: "",
    toolchain: `bun ${Bun.version}`,
    arch: architectures[arch()] ?? arch(),
    experimental: false,
    kernelVersion: release(),
  };
}
