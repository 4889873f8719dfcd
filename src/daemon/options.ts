import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as v from "valibot";
import { errorMessage, type LogFormat, type LogLevel } from "#base";
import { checkExecOptions, daemonLabels, features, logFormat, shutdownTimeout } from "./daemon-facts.ts";
import { checkLogDefaults } from "#logs";
import { parseInsecureRegistry, parseMirror } from "#registry";
import {
  type ContainerDefaults,
  containerDefaultDirectives,
  containerDefaultFlags,
  parseContainerDefaults,
} from "./container-defaults.ts";
import { splitBooleanFlags } from "./boolean-flags.ts";
import {
  type NetworkDefaults,
  networkDefaultDirectives,
  networkDefaultFlags,
  parseNetworkDefaults,
} from "./network-defaults.ts";
import { refuseFlags, refusedFlags, withoutRefused } from "./refused-options.ts";
import { type AddressPool, checkHostAddress, parseAddressPool } from "#network";
import { errors } from "./errors.ts";

/** Everything a daemon can be told; `docs/configuration.md` describes each. */
export type DaemonOptions = {
  readonly hosts: readonly string[];
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly pidFile: string;
  /** Group that may use the socket. */
  readonly group: string;
  readonly logLevel: LogLevel;
  readonly storageDriver: "overlay2" | "vfs" | undefined;
  readonly defaultRuntime: string;
  readonly runtimes: Readonly<Record<string, string>>;
  readonly cgroupParent: string;
  readonly networks: NetworkDefaults;
  /** 0 = that of the host's default route. */
  readonly mtu: number;
  /** Where subnets of networks come from; empty = Docker's pools. */
  readonly addressPools: readonly AddressPool[];
  /** Host address of ports that are published without one. */
  readonly publishAddress: string;
  readonly logDriver: string;
  readonly logOptions: Readonly<Record<string, string>>;
  readonly logFormat: LogFormat;
  readonly init: boolean;
  /** Of the daemon, as `info` tells them: "rack=4". */
  readonly labels: readonly string[];
  /** Reported to clients, and nothing else: all there is works without. */
  readonly experimental: boolean;
  /** Longest that containers have to end when the machine stops, in seconds; undefined = each what it is given. */
  readonly shutdownTimeoutSeconds: number | undefined;
  /** How the daemon reaches the world; set in its environment, "" = as the environment has it. */
  readonly proxies: { readonly http: string; readonly https: string; readonly no: string };
  /** CDI is there. */
  readonly cdi: boolean;
  readonly noNewPrivileges: boolean;
  readonly trustHostCa: boolean;
  /** Policy of which images may be used; undefined = none. */
  readonly trustPolicyFile: string | undefined;
  /** A registry served beside; undefined = none. */
  readonly registryServer: { readonly listen: readonly string[]; readonly configFile: string | undefined } | undefined;
  readonly containers: ContainerDefaults;
  /** Registries without TLS, or with certificates nobody knows: hosts and subnets. */
  readonly insecureRegistries: readonly string[];
  /** Mirrors of docker.io, tried first. */
  readonly registryMirrors: readonly string[];
  /** Directory with a directory of certificates for each registry. */
  readonly registryCerts: string;
  /** 0 = no limit. */
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploads: number;
  /** Layers are kept in the compressed form they came in too. */
  readonly keepPackedLayers: boolean;
  readonly maxDownloadAttempts: number;
  readonly tls: {
    readonly enabled: boolean;
    readonly verify: boolean;
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
  };
};

const flags = {
  host: { type: "string", short: "H", multiple: true },
  "data-root": { type: "string" },
  "exec-root": { type: "string" },
  pidfile: { type: "string", short: "p" },
  group: { type: "string", short: "G" },
  debug: { type: "boolean", short: "D" },
  "log-level": { type: "string", short: "l" },
  "storage-driver": { type: "string", short: "s" },
  "default-runtime": { type: "string" },
  "add-runtime": { type: "string", multiple: true },
  "cgroup-parent": { type: "string" },
  bip: { type: "string" },
  mtu: { type: "string" },
  ipv6: { type: "boolean" },
  "default-address-pool": { type: "string", multiple: true },
  ip: { type: "string" },
  "log-driver": { type: "string" },
  "log-opt": { type: "string", multiple: true },
  init: { type: "boolean" },
  "no-new-privileges": { type: "boolean" },
  "log-format": { type: "string" },
  "raw-logs": { type: "boolean" },
  label: { type: "string", multiple: true },
  experimental: { type: "boolean" },
  feature: { type: "string", multiple: true },
  "exec-opt": { type: "string", multiple: true },
  "shutdown-timeout": { type: "string" },
  "http-proxy": { type: "string" },
  "https-proxy": { type: "string" },
  "no-proxy": { type: "string" },
  validate: { type: "boolean" },
  ...networkDefaultFlags,
  "trust-host-ca": { type: "boolean" },
  "trust-policy": { type: "string" },
  "serve-registry": { type: "string", multiple: true },
  "registry-config": { type: "string" },
  ...containerDefaultFlags,
  "insecure-registry": { type: "string", multiple: true },
  "registry-mirror": { type: "string", multiple: true },
  "registry-certs": { type: "string" },
  "max-concurrent-downloads": { type: "string" },
  "max-concurrent-uploads": { type: "string" },
  "max-download-attempts": { type: "string" },
  "drop-packed-layers": { type: "boolean" },
  tls: { type: "boolean" },
  tlsverify: { type: "boolean" },
  tlscacert: { type: "string" },
  tlscert: { type: "string" },
  tlskey: { type: "string" },
  "config-file": { type: "string" },
} as const;

/** `daemon.json`: the flags by their long names, as Docker's file has them. */
const configFileSchema = v.strictObject({
  hosts: v.optional(v.array(v.string())),
  "data-root": v.optional(v.string()),
  "exec-root": v.optional(v.string()),
  pidfile: v.optional(v.string()),
  group: v.optional(v.string()),
  debug: v.optional(v.boolean()),
  "log-level": v.optional(v.string()),
  "storage-driver": v.optional(v.string()),
  "default-runtime": v.optional(v.string()),
  runtimes: v.optional(v.record(v.string(), v.object({ path: v.string() }))),
  "cgroup-parent": v.optional(v.string()),
  bip: v.optional(v.string()),
  mtu: v.optional(v.number()),
  ipv6: v.optional(v.boolean()),
  "default-address-pools": v.optional(v.array(v.object({ base: v.string(), size: v.number() }))),
  ip: v.optional(v.string()),
  "log-driver": v.optional(v.string()),
  "log-opts": v.optional(v.record(v.string(), v.string())),
  init: v.optional(v.boolean()),
  "no-new-privileges": v.optional(v.boolean()),
  "log-format": v.optional(v.string()),
  "raw-logs": v.optional(v.boolean()),
  labels: v.optional(v.array(v.string())),
  experimental: v.optional(v.boolean()),
  features: v.optional(v.record(v.string(), v.boolean())),
  "exec-opts": v.optional(v.array(v.string())),
  "shutdown-timeout": v.optional(v.number()),
  proxies: v.optional(
    v.strictObject({
      "http-proxy": v.optional(v.string()),
      "https-proxy": v.optional(v.string()),
      "no-proxy": v.optional(v.string()),
    }),
  ),
  // As Docker reads them, the flags' names at the top level too.
  "http-proxy": v.optional(v.string()),
  "https-proxy": v.optional(v.string()),
  "no-proxy": v.optional(v.string()),
  ...networkDefaultDirectives,
  "trust-host-ca": v.optional(v.boolean()),
  "trust-policy": v.optional(v.string()),
  "serve-registry": v.optional(v.array(v.string())),
  "registry-config": v.optional(v.string()),
  ...containerDefaultDirectives,
  "insecure-registries": v.optional(v.array(v.string())),
  "registry-mirrors": v.optional(v.array(v.string())),
  "registry-certs": v.optional(v.string()),
  "max-concurrent-downloads": v.optional(v.number()),
  "max-concurrent-uploads": v.optional(v.number()),
  "max-download-attempts": v.optional(v.number()),
  "drop-packed-layers": v.optional(v.boolean()),
  tls: v.optional(v.boolean()),
  tlsverify: v.optional(v.boolean()),
  tlscacert: v.optional(v.string()),
  tlscert: v.optional(v.string()),
  tlskey: v.optional(v.string()),
});
type PoolSetting = { readonly base: string; readonly size: number };
type ConfigFile = v.InferOutput<typeof configFileSchema>;

/** May use the socket, where the host has such a group. */
export const defaultGroup = "berth";

const defaultTrustPolicy = "/etc/berth/trust-policy.json";
const defaultConfigFile = "/etc/berth/daemon.json";

/** Flags over `daemon.json` over defaults. Throws with the flag or directive that is wrong. */
export function parseDaemonOptions(argv: readonly string[]): DaemonOptions {
  const { rest, booleans } = splitBooleanFlags(argv, { ...flags, ...refusedFlags });
  const all = parseArgs({ args: rest, options: { ...refusedFlags, ...flags }, strict: true, allowPositionals: false });
  refuseFlags({ ...all.values, ...booleans });
  const values = { ...all.values, ...booleans };
  const file = readConfigFile(values["config-file"]);
  const hosts = values.host ?? file.hosts ?? ["unix:///run/berth/berth.sock"];
  const execRoot = values["exec-root"] ?? file["exec-root"] ?? "/run/berth";
  const storageDriver = values["storage-driver"] ?? file["storage-driver"];
  if (storageDriver !== undefined && storageDriver !== "overlay2" && storageDriver !== "vfs") {
    throw errors.daemonFlagInvalid("storage-driver", storageDriver, "overlay2 or vfs");
  }
  const logLevel =
    values.debug === true || file.debug === true ? "debug" : (values["log-level"] ?? file["log-level"] ?? "info");
  if (logLevel !== "debug" && logLevel !== "info" && logLevel !== "warn" && logLevel !== "error") {
    throw errors.daemonFlagInvalid("log-level", logLevel, "debug, info, warn or error");
  }
  const mtu = values.mtu === undefined ? (file.mtu ?? 0) : Number(values.mtu);
  if (!Number.isInteger(mtu) || mtu < 0 || mtu > 65535)
    throw errors.daemonFlagInvalid("mtu", values.mtu ?? "", "a number of bytes");
  checkExecOptions(values["exec-opt"] ?? file["exec-opts"] ?? []);
  const logDriver = values["log-driver"] ?? file["log-driver"] ?? "json-file";
  const logOptions = { ...file["log-opts"], ...pairs("log-opt", values["log-opt"] ?? []) };
  checkLogDefaults(logDriver, logOptions);
  const verify = values.tlsverify ?? file.tlsverify ?? false;
  return {
    hosts,
    dataRoot: values["data-root"] ?? file["data-root"] ?? "/var/lib/berth",
    execRoot,
    pidFile: values.pidfile ?? file.pidfile ?? `${execRoot}/berth.pid`,
    group: values.group ?? file.group ?? defaultGroup,
    logLevel,
    storageDriver,
    defaultRuntime: values["default-runtime"] ?? file["default-runtime"] ?? "",
    runtimes: { ...configuredRuntimes(file), ...pairs("add-runtime", values["add-runtime"] ?? []) },
    cgroupParent: values["cgroup-parent"] ?? file["cgroup-parent"] ?? "",
    networks: parseNetworkDefaults(values, file, {
      bip: values.bip ?? file.bip,
      ipv6: values.ipv6 ?? file.ipv6 ?? false,
    }),
    mtu,
    addressPools: addressPools(values["default-address-pool"] ?? [], file["default-address-pools"] ?? []),
    publishAddress: checkHostAddress(values.ip ?? file.ip ?? "0.0.0.0"),
    logDriver,
    logOptions,
    logFormat: logFormat(values["log-format"] ?? file["log-format"] ?? "text"),
    labels: daemonLabels([...(values.label ?? []), ...(file.labels ?? [])]),
    experimental: values.experimental ?? file.experimental ?? false,
    shutdownTimeoutSeconds: shutdownTimeout(values["shutdown-timeout"] ?? file["shutdown-timeout"]),
    proxies: {
      http: values["http-proxy"] ?? file.proxies?.["http-proxy"] ?? file["http-proxy"] ?? "",
      https: values["https-proxy"] ?? file.proxies?.["https-proxy"] ?? file["https-proxy"] ?? "",
      no: values["no-proxy"] ?? file.proxies?.["no-proxy"] ?? file["no-proxy"] ?? "",
    },
    cdi: features(values.feature ?? [], file.features ?? {}).cdi,
    init: values.init ?? file.init ?? false,
    noNewPrivileges: values["no-new-privileges"] ?? file["no-new-privileges"] ?? false,
    trustHostCa: values["trust-host-ca"] ?? file["trust-host-ca"] ?? false,
    trustPolicyFile: values["trust-policy"] ?? file["trust-policy"] ?? usualTrustPolicy(),
    registryServer: servedRegistry(
      values["serve-registry"] ?? file["serve-registry"],
      values["registry-config"] ?? file["registry-config"],
    ),
    containers: parseContainerDefaults(values, file),
    insecureRegistries: [
      ...new Set(
        [...(values["insecure-registry"] ?? []), ...(file["insecure-registries"] ?? [])].map(parseInsecureRegistry),
      ),
    ],
    registryMirrors: [
      ...new Set([...(values["registry-mirror"] ?? []), ...(file["registry-mirrors"] ?? [])].map(parseMirror)),
    ],
    registryCerts: values["registry-certs"] ?? file["registry-certs"] ?? "",
    maxConcurrentDownloads: count("max-concurrent-downloads", values, file, { fallback: 3, least: 0 }),
    maxConcurrentUploads: count("max-concurrent-uploads", values, file, { fallback: 5, least: 0 }),
    maxDownloadAttempts: count("max-download-attempts", values, file, { fallback: 5, least: 1 }),
    keepPackedLayers: !(values["drop-packed-layers"] ?? file["drop-packed-layers"] ?? false),
    tls: {
      enabled: verify || (values.tls ?? file.tls ?? false),
      verify,
      ca: values.tlscacert ?? file.tlscacert ?? "/etc/berth/ca.pem",
      cert: values.tlscert ?? file.tlscert ?? "/etc/berth/server-cert.pem",
      key: values.tlskey ?? file.tlskey ?? "/etc/berth/server-key.pem",
    },
  };
}

type Count = "max-concurrent-downloads" | "max-concurrent-uploads" | "max-download-attempts";

/** A number of transfers; what is wrong is said in Docker's words ("invalid max concurrent downloads: -1"). */
function count(
  name: Count,
  values: { readonly [Name in Count]?: string | undefined },
  file: ConfigFile,
  { fallback, least }: { readonly fallback: number; readonly least: number },
): number {
  const text = values[name];
  const value = text === undefined ? (file[name] ?? fallback) : /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isInteger(value) && value >= least) return value;
  throw errors.daemonCountInvalid(name.replaceAll("-", " "), text ?? String(value));
}

/** A policy that lies where policies lie counts; forgetting a flag must not open the door. */
function usualTrustPolicy(): string | undefined {
  return existsSync(defaultTrustPolicy) ? defaultTrustPolicy : undefined;
}

function servedRegistry(
  listen: readonly string[] | undefined,
  configFile: string | undefined,
): DaemonOptions["registryServer"] {
  return listen === undefined && configFile === undefined ? undefined : { listen: listen ?? [], configFile };
}

function configuredRuntimes(file: ConfigFile): Record<string, string> {
  return Object.fromEntries(Object.entries(file.runtimes ?? {}).map(([name, { path }]) => [name, path]));
}

function pairs(flag: string, texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text): [string, string] => {
      const at = text.indexOf("=");
      if (at < 1) throw errors.daemonFlagInvalid(flag, text, "name=value");
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function readConfigFile(given: string | undefined): ConfigFile {
  const path = given ?? defaultConfigFile;
  if (given === undefined && !existsSync(path)) return {};
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw errors.daemonConfigUnreadable(path, errorMessage(error));
  }
  const isObject = typeof document === "object" && document !== null && !Array.isArray(document);
  const known = isObject ? withoutRefused(document as Record<string, unknown>) : document;
  const result = v.safeParse(configFileSchema, known);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const first = issue.path?.[0]?.key;
  const key = typeof first === "string" ? first : "";
  if (issue.type === "strict_object") throw errors.daemonConfigUnknown(path, key);
  throw errors.daemonConfigUnreadable(path, `${key}: ${issue.message}`);
}

/** "base=10.0.0.0/8,size=24", or the same in the file; the flag replaces the file's. */
function addressPools(given: readonly string[], inFile: readonly PoolSetting[]): readonly AddressPool[] {
  const pools = given.map((text): PoolSetting => {
    const fields = new Map(
      text.split(",").map((field) => [field.split("=", 1)[0] ?? "", field.replace(/^[^=]*=?/, "")]),
    );
    const { base, size, ...rest } = Object.fromEntries(fields);
    if (base === undefined || size === undefined || Object.keys(rest).length > 0) {
      throw errors.daemonFlagInvalid("default-address-pool", text, "base=10.0.0.0/8,size=24");
    }
    return { base, size: Number(size) };
  });
  return (pools.length > 0 ? pools : inFile).map(({ base, size }) => parseAddressPool(base, size));
}
