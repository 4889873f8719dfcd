import { arch } from "node:process";
import type { Descriptor, Platform } from "./image.ts";

/** What people write for architectures, and what it means (containerd: platforms/database.go). */
export const architectureNames: Readonly<Record<string, { readonly architecture: string; readonly variant?: string }>> =
  {
    x86_64: { architecture: "amd64" },
    "x86-64": { architecture: "amd64" },
    amd64: { architecture: "amd64" },
    i386: { architecture: "386" },
    i486: { architecture: "386" },
    i586: { architecture: "386" },
    i686: { architecture: "386" },
    x86: { architecture: "386" },
    aarch64: { architecture: "arm64" },
    arm64: { architecture: "arm64" },
    armhf: { architecture: "arm", variant: "v7" },
    armel: { architecture: "arm", variant: "v6" },
    armv7: { architecture: "arm", variant: "v7" },
    armv6: { architecture: "arm", variant: "v6" },
  };

/** This machine's platform. */
export function hostPlatform(): Platform {
  const names: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };
  return normalizedPlatform({ os: "linux", architecture: names[arch] ?? arch });
}

/** One spelling for what has several: arm is v7, arm64's v8 and amd64's v1 go without saying. */
export function normalizedPlatform(platform: Platform): Platform {
  const { os, architecture: given } = platform;
  const known = architectureNames[given.toLowerCase()];
  const architecture = known?.architecture ?? given.toLowerCase();
  let variant = (platform.variant ?? known?.variant ?? "").toLowerCase();
  if (/^\d+$/.test(variant)) variant = `v${variant}`;
  if (architecture === "arm" && variant === "") variant = "v7";
  if (architecture === "arm64" && variant === "v8") variant = "";
  if (architecture === "amd64" && variant === "v1") variant = "";
  const osVersion = platform["os.version"];
  return {
    os: os.toLowerCase(),
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(osVersion === undefined ? {} : { "os.version": osVersion }),
  };
}

/** "linux/arm/v7" */
export function platformText(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant ?? ""].filter((part) => part !== "").join("/");
}

/** What a machine of `wanted` runs, best first: arm runs older variants, arm64 and amd64 older levels. */
function acceptable(wanted: Platform): Platform[] {
  const { os, architecture, variant } = wanted;
  const level = /^v(\d+)$/.exec(variant ?? "")?.[1];
  if (architecture === "arm") {
    const from = Number(level ?? 7);
    return Array.from({ length: Math.max(1, from - 4) }, (_, index) => ({
      os,
      architecture,
      variant: `v${from - index}`,
    }));
  }
  if (variant === undefined) return [{ os, architecture }];
  if (architecture === "amd64" && level !== undefined) {
    const lower = Array.from({ length: Number(level) - 1 }, (_, index) => ({
      os,
      architecture,
      variant: `v${Number(level) - index}`,
    }));
    return [...lower, { os, architecture }];
  }
  return [
    { os, architecture, variant },
    { os, architecture },
  ];
}

/** True when a machine (or a request) for `wanted` can take what is made for `offered`. */
export function fitsPlatform(wanted: Platform, offered: Platform): boolean {
  return platformRank(wanted, offered) !== undefined;
}

/** How well what is made for `offered` suits a machine of `wanted`: 0 is best; undefined when not at all. */
export function platformRank(wanted: Platform, offered: Platform): number | undefined {
  const has = normalizedPlatform(offered);
  const rank = acceptable(normalizedPlatform(wanted)).findIndex(
    ({ os, architecture, variant }) =>
      has.os === os && has.architecture === architecture && (has.variant ?? "") === (variant ?? ""),
  );
  return rank < 0 ? undefined : rank;
}

/** The entries of an index that suit, best first. Entries without a platform suit nobody: they are attestations. */
export function choosePlatform(entries: readonly Descriptor[], wanted: Platform): readonly Descriptor[] {
  return acceptable(normalizedPlatform(wanted)).flatMap(({ os, architecture, variant }) =>
    entries.filter(({ platform }) => {
      if (platform === undefined || platform.os === "unknown") return false;
      const has = normalizedPlatform(platform);
      return has.os === os && has.architecture === architecture && (has.variant ?? "") === (variant ?? "");
    }),
  );
}
