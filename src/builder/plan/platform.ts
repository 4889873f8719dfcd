import type { Platform } from "#formats";
import { errors } from "../errors.ts";

const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** The platform this machine runs. */
export function hostPlatform(): Platform {
  return { os: "linux", architecture: architectures[process.arch] ?? process.arch };
}

/** Reads `os[(version)][/arch[/variant]]` or a bare architecture; throws on anything else. */
export function parsePlatform(text: string): Platform {
  const versioned = /^([\w.-]+)\(([\w.-]+)\)(\/.*)?$/.exec(text);
  if (versioned !== null) {
    const [, os = "", version = "", rest = ""] = versioned;
    return { ...parsePlatform(`${os}${rest}`), "os.version": version };
  }
  const parts = text.toLowerCase().split("/");
  const [first = "", second, third] = parts;
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    throw errors["build-option-invalid"]("platform", `${JSON.stringify(text)} is not os[/arch[/variant]]`);
  }
  const host = hostPlatform();
  if (parts.length === 1) {
    return ["linux", "windows", "darwin", "freebsd"].includes(first)
      ? { os: first, architecture: host.architecture }
      : normal("linux", first, undefined);
  }
  return normal(first, second ?? "", third);
}

/** As `parsePlatform`; undefined for anything else. */
export function tryParsePlatform(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch {
    return undefined; // Whoever asks only wants to know whether it is one.
  }
}

function normal(os: string, architecture: string, variant: string | undefined): Platform {
  const known: Readonly<Record<string, readonly [string, string | undefined]>> = {
    x86_64: ["amd64", undefined],
    "x86-64": ["amd64", undefined],
    aarch64: ["arm64", undefined],
    armhf: ["arm", "v7"],
    armel: ["arm", "v6"],
    i386: ["386", undefined],
  };
  const [name, implied] = known[architecture] ?? [architecture, undefined];
  const wanted = variant ?? implied ?? (name === "arm" ? "v7" : undefined);
  const isDefault = (name === "arm64" && wanted === "v8") || (name === "amd64" && wanted === "v1");
  return { os, architecture: name, ...(wanted === undefined || isDefault ? {} : { variant: wanted }) };
}

/** `linux/arm/v7`. */
export function formatPlatform(platform: Platform): string {
  const variant = platform.variant === undefined || platform.variant === "" ? "" : `/${platform.variant}`;
  return `${platform.os}/${platform.architecture}${variant}`;
}

/** As `formatPlatform`, with the version of the operating system when there is one: `windows(10.0.20348)/amd64`. */
export function formatVersionedPlatform(platform: Platform): string {
  const version = platform["os.version"];
  if (version === undefined || version === "") return formatPlatform(platform);
  return formatPlatform({ ...platform, os: `${platform.os}(${version})` });
}

/** True when an image of `actual` may stand where `wanted` was asked for. */
export function platformFits(wanted: Platform, actual: Platform): boolean {
  if (wanted.os !== actual.os || wanted.architecture !== actual.architecture) return false;
  return (
    wanted.variant === undefined ||
    actual.variant === undefined ||
    actual.variant === "" ||
    wanted.variant === actual.variant
  );
}

/** The arguments every Dockerfile may declare. */
export function platformArguments(target: Platform, stage: string): ReadonlyMap<string, string> {
  const build = hostPlatform();
  const of = (prefix: string, platform: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, formatVersionedPlatform(platform)],
    [`${prefix}OS`, platform.os],
    [`${prefix}OSVERSION`, platform["os.version"] ?? ""],
    [`${prefix}ARCH`, platform.architecture],
    [`${prefix}VARIANT`, platform.variant ?? ""],
  ];
  return new Map([...of("BUILD", build), ...of("TARGET", target), ["TARGETSTAGE", stage]]);
}
