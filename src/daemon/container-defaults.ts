import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import * as v from "valibot";
import { errorMessage, parseRamBytes } from "#base";
import { defaultCdiDirectories } from "#runtime";
import { errors } from "./errors.ts";

/** What a daemon is told about containers that say nothing themselves. */
export type ContainerDefaults = {
  /** `--userns-remap` as it was given; "" = ids of containers are the host's. */
  readonly usernsRemap: string;
  readonly initPath: string;
  readonly shmSizeBytes: number;
  readonly ipcMode: "private" | "shareable";
  /** Undefined = as the host's control groups suggest. */
  readonly cgroupnsMode: "private" | "host" | undefined;
  readonly ulimits: readonly { Name: string; Soft: number; Hard: number }[];
  readonly cdiDirectories: readonly string[];
  /** As `info` names it: "builtin", "unconfined" or a path. */
  readonly seccompName: string;
  /** "builtin", "unconfined" or the profile's text. */
  readonly seccompProfile: string;
  readonly storageSizeBytes: number | undefined;
  /** Real-time CPU time for all containers together; 0 = none. */
  readonly realtime: { readonly periodUs: number; readonly runtimeUs: number };
};

/** The flags, for parseArgs. */
export const containerDefaultFlags = {
  "init-path": { type: "string" },
  "default-shm-size": { type: "string" },
  "default-ipc-mode": { type: "string" },
  "default-cgroupns-mode": { type: "string" },
  "default-ulimit": { type: "string", multiple: true },
  "cdi-spec-dir": { type: "string", multiple: true },
  "seccomp-profile": { type: "string" },
  "storage-opt": { type: "string", multiple: true },
  "userns-remap": { type: "string" },
  "cpu-rt-period": { type: "string" },
  "cpu-rt-runtime": { type: "string" },
} as const;

const ulimit = v.object({
  Name: v.optional(v.string()),
  Soft: v.pipe(v.number(), v.integer()),
  Hard: v.pipe(v.number(), v.integer()),
});

/** The directives of daemon.json. */
export const containerDefaultDirectives = {
  "init-path": v.optional(v.string()),
  "default-shm-size": v.optional(v.union([v.string(), v.number()])),
  "default-ipc-mode": v.optional(v.string()),
  "default-cgroupns-mode": v.optional(v.string()),
  "default-ulimits": v.optional(v.record(v.string(), ulimit)),
  "cdi-spec-dirs": v.optional(v.array(v.string())),
  "seccomp-profile": v.optional(v.string()),
  "storage-opts": v.optional(v.array(v.string())),
  "userns-remap": v.optional(v.string()),
  "cpu-rt-period": v.optional(v.number()),
  "cpu-rt-runtime": v.optional(v.number()),
};

type Flags = {
  readonly [Name in keyof typeof containerDefaultFlags]?: (typeof containerDefaultFlags)[Name] extends {
    multiple: true;
  }
    ? readonly string[] | undefined
    : string | undefined;
};
type Directives = {
  readonly [Name in keyof typeof containerDefaultDirectives]?: v.InferOutput<(typeof containerDefaultDirectives)[Name]>;
};

function choice<const Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found === undefined) throw errors.daemonFlagInvalid(option, text, words.join(" or "));
  return found;
}

function size(option: string, text: string): number {
  const bytes = parseRamBytes(text);
  if (bytes === undefined || bytes <= 0) throw errors.daemonFlagInvalid(option, text, "a size, as 128m");
  return bytes;
}

function microseconds(option: string, given: string | number | undefined): number {
  const value = Number(given ?? 0);
  if (!Number.isInteger(value) || value < 0) throw errors.daemonFlagInvalid(option, String(given), "microseconds");
  return value;
}

/** `nofile=1024:2048` */
function parseUlimit(text: string): ContainerDefaults["ulimits"][number] {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text);
  if (match === null) throw errors.daemonFlagInvalid("default-ulimit", text, "name=soft[:hard]");
  const [, Name = "", soft = "", hard = soft] = match;
  return { Name, Soft: Number(soft), Hard: Number(hard) };
}

function seccompText(profile: string): string {
  if (profile === "builtin" || profile === "unconfined") return profile;
  try {
    const text = readFileSync(profile, "utf8");
    JSON.parse(text);
    return text;
  } catch (error) {
    throw errors.daemonFlagInvalid("seccomp-profile", profile, `a profile that can be read (${errorMessage(error)})`);
  }
}

function storageSize(options: readonly string[]): number | undefined {
  let sizeBytes: number | undefined;
  for (const option of options) {
    const [name = "", value = ""] = option.split("=", 2);
    if (name !== "overlay2.size" && name !== "size") {
      throw errors.daemonFlagInvalid("storage-opt", option, "overlay2.size=BYTES");
    }
    sizeBytes = size("storage-opt", value);
  }
  return sizeBytes;
}

/** Flags over daemon.json over defaults. Throws with the option that is wrong. */
export function parseContainerDefaults(flags: Flags, file: Directives): ContainerDefaults {
  const initPath = flags["init-path"] ?? file["init-path"] ?? "";
  if (initPath !== "" && !isAbsolute(initPath))
    throw errors.daemonFlagInvalid("init-path", initPath, "an absolute path");
  const cgroupns = flags["default-cgroupns-mode"] ?? file["default-cgroupns-mode"];
  const ulimits = Object.entries(file["default-ulimits"] ?? {}).map(([name, limit]) => ({
    Name: limit.Name ?? name,
    Soft: limit.Soft,
    Hard: limit.Hard,
  }));
  for (const limit of (flags["default-ulimit"] ?? []).map(parseUlimit)) {
    const at = ulimits.findIndex(({ Name }) => Name === limit.Name);
    if (at < 0) ulimits.push(limit);
    else ulimits[at] = limit;
  }
  for (const { Name, Soft, Hard } of ulimits) {
    if (Hard !== -1 && (Soft === -1 || Soft > Hard)) {
      throw errors.daemonFlagInvalid("default-ulimit", `${Name}=${Soft}:${Hard}`, "a soft limit below the hard one");
    }
  }
  const seccompName = flags["seccomp-profile"] ?? file["seccomp-profile"] ?? "builtin";
  return {
    usernsRemap: flags["userns-remap"] ?? file["userns-remap"] ?? "",
    initPath,
    shmSizeBytes: size("default-shm-size", String(flags["default-shm-size"] ?? file["default-shm-size"] ?? "64m")),
    ipcMode: choice("default-ipc-mode", flags["default-ipc-mode"] ?? file["default-ipc-mode"] ?? "private", [
      "private",
      "shareable",
    ]),
    cgroupnsMode: cgroupns === undefined ? undefined : choice("default-cgroupns-mode", cgroupns, ["private", "host"]),
    ulimits,
    cdiDirectories: flags["cdi-spec-dir"] ?? file["cdi-spec-dirs"] ?? defaultCdiDirectories,
    seccompName: seccompName === "" ? "builtin" : seccompName,
    seccompProfile: seccompText(seccompName === "" ? "builtin" : seccompName),
    storageSizeBytes: storageSize(flags["storage-opt"] ?? file["storage-opts"] ?? []),
    realtime: {
      periodUs: microseconds("cpu-rt-period", flags["cpu-rt-period"] ?? file["cpu-rt-period"]),
      runtimeUs: microseconds("cpu-rt-runtime", flags["cpu-rt-runtime"] ?? file["cpu-rt-runtime"]),
    },
  };
}
