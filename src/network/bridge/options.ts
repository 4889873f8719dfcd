import { errors } from "../errors.ts";
import { formatIp, parseIp } from "../ipam/ip-address.ts";
import { commonOptions, isKnown, parseBoolean, parseInterfacePrefix, parseMtu } from "../network-options.ts";

/**
 * How other hosts reach a network's containers. "nat": by published ports of the host. "nat-unprotected": so, and by
 * their own addresses at any port. "routed": by their own addresses at published ports, without translation.
 * "isolated": not at all, and neither does the host, which has no address on the bridge.
 */
export type GatewayMode = "nat" | "nat-unprotected" | "routed" | "isolated";

/** What `--opt` of a bridge network can say, parsed. */
export type BridgeOptions = {
  readonly bridgeName: string | undefined;
  readonly mtu: number | undefined;
  /** Containers of the network may talk to each other. @default true */
  readonly interContainer: boolean;
  /** Outgoing connections take the host's address. @default true */
  readonly masquerade: boolean;
  /** Host address for ports published without one. */
  readonly hostBinding: string | undefined;
  /** @default "eth" */
  readonly interfacePrefix: string;
  readonly gatewayMode: { readonly 4: GatewayMode; readonly 6: GatewayMode };
  /** The host's address that outgoing connections take, instead of the one of the interface they leave by. */
  readonly hostAddress: { readonly 4: string | undefined; readonly 6: string | undefined };
  /** The bridge has no IPv4 address: an administrator gives it one. @default false */
  readonly inhibitIpv4: boolean;
};

const known = {
  name: "com.docker.network.bridge.name",
  interContainer: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  defaultBridge: "com.docker.network.bridge.default_bridge",
  gatewayMode4: "com.docker.network.bridge.gateway_mode_ipv4",
  gatewayMode6: "com.docker.network.bridge.gateway_mode_ipv6",
  inhibitIpv4: "com.docker.network.bridge.inhibit_ipv4",
  hostAddress4: "com.docker.network.host_ipv4",
  hostAddress6: "com.docker.network.host_ipv6",
} as const;

const gatewayModes: readonly GatewayMode[] = ["nat", "nat-unprotected", "routed", "isolated"];

/** The default bridge's options, as `network inspect` shows them. */
export function defaultBridgeOptions(
  bridgeName: string,
  settings: {
    readonly mtu: number;
    readonly hostBinding: string;
    readonly interContainer: boolean;
    readonly masquerade: boolean;
  },
): Record<string, string> {
  return {
    [known.defaultBridge]: "true",
    [known.interContainer]: String(settings.interContainer),
    [known.masquerade]: String(settings.masquerade),
    [known.hostBinding]: settings.hostBinding,
    [known.name]: bridgeName,
    [commonOptions.mtu]: String(settings.mtu),
  };
}

/** Parses driver options of a bridge network; an unknown or malformed one is refused, not ignored. */
export function parseBridgeOptions(options: Readonly<Record<string, string>>, isInternal: boolean): BridgeOptions {
  for (const name of Object.keys(options)) {
    const all = [...Object.values<string>(known), ...Object.values<string>(commonOptions)];
    if (!isKnown(name, all)) throw errors["network-invalid-option"](name, `unknown; known are ${all.join(", ")}`);
  }
  const bridgeName = options[known.name];
  // dev_valid_name() of the kernel: at most 15 bytes, no slash, colon or space.
  if (bridgeName !== undefined && !/^[A-Za-z0-9][\w.-]{0,14}$/.test(bridgeName)) {
    throw errors["network-invalid-option"](
      known.name,
      `"${bridgeName}" is not an interface name of 1 to 15 characters`,
    );
  }
  return {
    bridgeName,
    mtu: parseMtu(options),
    interContainer: parseBoolean(options, known.interContainer, true),
    masquerade: parseBoolean(options, known.masquerade, true),
    hostBinding: parseAddress(options, known.hostBinding, 4),
    interfacePrefix: parseInterfacePrefix(options),
    gatewayMode: {
      4: parseGatewayMode(options, known.gatewayMode4, isInternal),
      6: parseGatewayMode(options, known.gatewayMode6, isInternal),
    },
    hostAddress: {
      4: parseAddress(options, known.hostAddress4, 4),
      6: parseAddress(options, known.hostAddress6, 6),
    },
    inhibitIpv4: parseBoolean(options, known.inhibitIpv4, false),
  };
}

function parseGatewayMode(options: Readonly<Record<string, string>>, name: string, isInternal: boolean): GatewayMode {
  const text = options[name];
  if (text === undefined || text === "") return "nat";
  const mode = gatewayModes.find((candidate) => candidate === text);
  if (mode === undefined) throw errors["network-invalid-option"](name, `unknown gateway mode ${text}`);
  if (mode === "isolated" && !isInternal) {
    throw errors["network-invalid-option"](name, "gateway mode 'isolated' can only be used for an internal network");
  }
  return mode;
}

function parseAddress(options: Readonly<Record<string, string>>, name: string, family: 4 | 6): string | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const address = parseIp(text);
  if (address?.family !== family)
    throw errors["network-invalid-option"](name, `"${text}" is not an IPv${family} address`);
  return formatIp(address);
}
