import { isIP } from "node:net";
import * as v from "valibot";
import type { DefaultBridgeSettings } from "#network";
import { errors } from "./errors.ts";

/** What a daemon is told about networks and names. */
export type NetworkDefaults = {
  readonly defaultBridge: DefaultBridgeSettings;
  /** Options of networks that do not set them, by driver. */
  readonly networkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Turns forwarding on in the kernel when the first bridge comes up. */
  readonly ipForward: boolean;
  /** Carries published ports where the kernel does not. */
  readonly userlandProxy: boolean;
  /** What `host-gateway` stands for; empty = the host on the container's bridge. */
  readonly hostGateways: readonly string[];
  /** For containers that name none themselves. */
  readonly dns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
};

/** The flags, for parseArgs. */
export const networkDefaultFlags = {
  dns: { type: "string", multiple: true },
  "dns-opt": { type: "string", multiple: true },
  "dns-search": { type: "string", multiple: true },
  icc: { type: "boolean" },
  "ip-masq": { type: "boolean" },
  "ip-forward": { type: "boolean" },
  "userland-proxy": { type: "boolean" },
  "fixed-cidr": { type: "string" },
  "fixed-cidr-v6": { type: "string" },
  bip6: { type: "string" },
  "default-gateway": { type: "string" },
  "default-gateway-v6": { type: "string" },
  "default-network-opt": { type: "string", multiple: true },
  "host-gateway-ip": { type: "string", multiple: true },
} as const;

/** The directives of daemon.json. */
export const networkDefaultDirectives = {
  dns: v.optional(v.array(v.string())),
  "dns-opts": v.optional(v.array(v.string())),
  "dns-search": v.optional(v.array(v.string())),
  icc: v.optional(v.boolean()),
  "ip-masq": v.optional(v.boolean()),
  "ip-forward": v.optional(v.boolean()),
  "userland-proxy": v.optional(v.boolean()),
  "fixed-cidr": v.optional(v.string()),
  "fixed-cidr-v6": v.optional(v.string()),
  bip6: v.optional(v.string()),
  "default-gateway": v.optional(v.string()),
  "default-gateway-v6": v.optional(v.string()),
  "default-network-opts": v.optional(v.record(v.string(), v.record(v.string(), v.string()))),
  "host-gateway-ip": v.optional(v.string()),
  "host-gateway-ips": v.optional(v.array(v.string())),
};

type Flags = {
  readonly [Name in keyof typeof networkDefaultFlags]?: (typeof networkDefaultFlags)[Name] extends { multiple: true }
    ? readonly string[] | undefined
    : (typeof networkDefaultFlags)[Name] extends { type: "boolean" }
      ? boolean | undefined
      : string | undefined;
};
type Directives = {
  readonly [Name in keyof typeof networkDefaultDirectives]?: v.InferOutput<(typeof networkDefaultDirectives)[Name]>;
};

function addresses(option: string, texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    // Docker takes a zone too: fe80::1%eth0.
    if (isIP(text) === 0) throw errors.daemonFlagInvalid(option, text, "an IP address");
  }
  return texts;
}

function address(option: string, text: string | undefined, family: 4 | 6): string | undefined {
  if (text === undefined || text === "") return undefined;
  if (isIP(text) !== family) throw errors.daemonFlagInvalid(option, text, `an IPv${family} address`);
  return text;
}

/** A domain, or "." for none at all (moby opts.ValidateDNSSearch). */
function domains(texts: readonly string[]): readonly string[] {
  for (const text of texts) {
    if (text.trim() !== "." && !/^(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text.trim())) {
      throw errors.daemonFlagInvalid("dns-search", text, "a domain");
    }
  }
  return texts.map((text) => text.trim());
}

/** `bridge=com.docker.network.driver.mtu=1400` */
function networkOptions(
  texts: readonly string[],
  inFile: Readonly<Record<string, Readonly<Record<string, string>>>>,
): NetworkDefaults["networkOptions"] {
  const result: Record<string, Record<string, string>> = {};
  for (const [driver, options] of Object.entries(inFile)) result[driver] = { ...options };
  for (const text of texts) {
    const match = /^([^=]+)=([^=]+)=(.*)$/.exec(text);
    if (match === null) throw errors.daemonFlagInvalid("default-network-opt", text, "driver=option=value");
    const [, driver = "", name = "", value = ""] = match;
    result[driver] = { ...result[driver], [name]: value };
  }
  for (const driver of Object.keys(result)) {
    if (!["bridge", "macvlan", "ipvlan"].includes(driver)) {
      throw errors.daemonFlagInvalid("default-network-opt", driver, "bridge, macvlan or ipvlan");
    }
  }
  return result;
}

/** Flags over daemon.json over defaults. Throws with the option that is wrong. */
export function parseNetworkDefaults(
  flags: Flags,
  file: Directives,
  bridge: { readonly bip: string | undefined; readonly ipv6: boolean },
): NetworkDefaults {
  const gateways = flags["host-gateway-ip"] ?? file["host-gateway-ips"] ?? [file["host-gateway-ip"] ?? ""];
  return {
    defaultBridge: {
      address: bridge.bip,
      address6: flags.bip6 ?? file.bip6,
      ipv6: bridge.ipv6,
      range: flags["fixed-cidr"] ?? file["fixed-cidr"],
      range6: flags["fixed-cidr-v6"] ?? file["fixed-cidr-v6"],
      gateway: address("default-gateway", flags["default-gateway"] ?? file["default-gateway"], 4),
      gateway6: address("default-gateway-v6", flags["default-gateway-v6"] ?? file["default-gateway-v6"], 6),
      interContainer: flags.icc ?? file.icc ?? true,
      masquerade: flags["ip-masq"] ?? file["ip-masq"] ?? true,
    },
    networkOptions: networkOptions(flags["default-network-opt"] ?? [], file["default-network-opts"] ?? {}),
    ipForward: flags["ip-forward"] ?? file["ip-forward"] ?? true,
    userlandProxy: flags["userland-proxy"] ?? file["userland-proxy"] ?? true,
    hostGateways: addresses(
      "host-gateway-ip",
      gateways.filter((text) => text !== ""),
    ),
    dns: {
      servers: addresses("dns", flags.dns ?? file.dns ?? []),
      search: domains(flags["dns-search"] ?? file["dns-search"] ?? []),
      options: flags["dns-opt"] ?? file["dns-opts"] ?? [],
    },
  };
}
