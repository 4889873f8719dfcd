import { readCsvRecord } from "#base";
import type { BuildRequest } from "#builder";
import { errors } from "../errors.ts";

/** The options of the Dockerfile front end as its clients spell them: "build-arg:X" → value. */
export type FrontendAttributes = ReadonlyMap<string, string>;

/** The part of a build's request that attributes alone decide. */
export type AttributeRequest = Pick<
  BuildRequest,
  | "dockerfile"
  | "buildArgs"
  | "labels"
  | "target"
  | "noCache"
  | "noCacheFilter"
  | "pull"
  | "networkMode"
  | "extraHosts"
  | "platform"
  | "shmSizeBytes"
  | "cgroupParent"
  | "ulimits"
  | "resources"
  | "call"
>;

/** Attributes that say something about the client or the request, and change nothing of the result. */
const informative = new Set([
  "cmdline",
  "source",
  "frontend.caps",
  "requestid",
  "context",
  "contextkey",
  "dockerfilekey",
  "filename",
  "multi-platform",
  "cache-imports",
  "cache-from",
  "no-warn",
]);

const prefixes = [
  "build-arg:",
  "label:",
  "context:",
  "attest:",
  "vcs:",
  "input-metadata:",
  "local-sessionid:",
  "localdir:",
];

const known = new Set([
  ...informative,
  "hostname",
  "target",
  "no-cache",
  "image-resolve-mode",
  "force-network-mode",
  "add-hosts",
  "platform",
  "shm-size",
  "ulimit",
  "cgroup-parent",
  "memory",
  "memswap",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpusetcpus",
  "cpusetmems",
]);

/** Reads the attributes of a build; one that is not known is refused, as it might matter. */
export function readAttributes(attributes: FrontendAttributes): AttributeRequest {
  for (const name of attributes.keys()) {
    if (!known.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))) {
      throw errors["solve-option-unsupported"](`the front end option ${JSON.stringify(name)}`, "nothing here knows it");
    }
  }
  const text = (name: string) => {
    const value = attributes.get(name);
    return value === undefined || value === "" ? undefined : value;
  };
  const noCache = attributes.get("no-cache");
  const hostname = text("hostname");
  const resources = readResources(text);
  return {
    call: readCall(attributes.get("requestid")),
    dockerfile: text("filename"),
    buildArgs: {
      ...(hostname === undefined ? {} : { BUILDKIT_SANDBOX_HOSTNAME: hostname }),
      ...withPrefix(attributes, "build-arg:"),
    },
    labels: withPrefix(attributes, "label:"),
    target: text("target"),
    noCache: noCache === "",
    noCacheFilter: noCache === undefined || noCache === "" ? undefined : noCache.split(",").map((name) => name.trim()),
    pull: readPull(text("image-resolve-mode")),
    networkMode: readNetwork(text("force-network-mode")),
    extraHosts: readList("add-hosts", text("add-hosts")),
    platform: text("platform"),
    shmSizeBytes: readNumber("shm-size", text("shm-size")),
    cgroupParent: text("cgroup-parent"),
    ulimits: readList("ulimit", text("ulimit")).map(readUlimit),
    resources,
  };
}

/** A yes as Go's strconv.ParseBool reads it. */
export function isTrue(value: string | undefined): boolean {
  return ["1", "t", "T", "true", "TRUE", "True"].includes(value ?? "");
}

/** Attributes whose name begins with a prefix, by the rest of it. */
export function withPrefix(attributes: FrontendAttributes, prefix: string): Record<string, string> {
  return Object.fromEntries(
    [...attributes].flatMap(([name, value]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [])),
  );
}

/** What a client asks instead of building. */
function readCall(request: string | undefined): AttributeRequest["call"] {
  switch (request) {
    case undefined:
    case "":
      return "build";
    case "frontend.lint":
      return "check";
    case "frontend.outline":
      return "outline";
    case "frontend.targets":
      return "targets";
    case "frontend.subrequests.describe":
      return "describe";
  }
  throw errors["solve-question"](request);
}

function readPull(mode: string | undefined): boolean {
  if (mode === undefined || mode === "default" || mode === "local") return false;
  if (mode === "pull") return true;
  throw errors["solve-option"]("image-resolve-mode", `${JSON.stringify(mode)}: allowed are default, local and pull`);
}

function readNetwork(mode: string | undefined): string | undefined {
  // "sandbox" is BuildKit's word for the default.
  if (mode === undefined || mode === "sandbox" || mode === "unset") return undefined;
  return mode;
}

/** "a=1,b=2", as a CSV record. */
function readList(name: string, value: string | undefined): readonly string[] {
  if (value === undefined) return [];
  try {
    return readCsvRecord(value)
      .map((field) => field.trim())
      .filter((field) => field !== "");
  } catch (error) {
    throw errors["solve-option"](name, (error as Error).message);
  }
}

function readNumber(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^-?\d{1,18}$/.test(value)) throw errors["solve-option"](name, `${JSON.stringify(value)} is no whole number`);
  return Number(value);
}

function readUlimit(value: string): BuildRequest["ulimits"][number] {
  const match = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(value);
  if (match === null) throw errors["solve-option"]("ulimit", `${JSON.stringify(value)} is not name=soft[:hard]`);
  const soft = Number(match[2]);
  return { Name: match[1] ?? "", Soft: soft, Hard: match[3] === undefined ? soft : Number(match[3]) };
}

function readResources(text: (name: string) => string | undefined): BuildRequest["resources"] {
  const number = (name: string) => readNumber(name, text(name));
  const entries: readonly (readonly [keyof BuildRequest["resources"], number | string | undefined])[] = [
    ["Memory", number("memory")],
    ["MemorySwap", number("memswap")],
    ["CpuPeriod", number("cpu-period")],
    ["CpuQuota", number("cpu-quota")],
    ["CpuShares", number("cpu-shares")],
    ["CpusetCpus", text("cpusetcpus")],
    ["CpusetMems", text("cpusetmems")],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as BuildRequest["resources"];
}
