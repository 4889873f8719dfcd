import { errors } from "../errors.ts";
import { parseIpv4 } from "../ipam/ipv4.ts";

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
};

const known = {
  name: "com.docker.network.bridge.name",
  mtu: "com.docker.network.driver.mtu",
  interContainer: "com.docker.network.bridge.enable_icc",
  masquerade: "com.docker.network.bridge.enable_ip_masquerade",
  hostBinding: "com.docker.network.bridge.host_binding_ipv4",
  interfacePrefix: "com.docker.network.container_iface_prefix",
  defaultBridge: "com.docker.network.bridge.default_bridge",
} as const;

/** The default bridge's options, as `network inspect` shows them. */
export function defaultBridgeOptions(bridgeName: string, mtu: number, hostBinding: string): Record<string, string> {
  return {
    [known.defaultBridge]: "true",
    [known.interContainer]: "true",
    [known.masquerade]: "true",
    [known.hostBinding]: hostBinding,
    [known.name]: bridgeName,
    [known.mtu]: String(mtu),
  };
}

/** Parses driver options of a bridge network; an unknown or malformed one is refused, not ignored. */
export function parseBridgeOptions(options: Readonly<Record<string, string>>): BridgeOptions {
  for (const name of Object.keys(options)) {
    if (!Object.values<string>(known).includes(name)) {
      throw errors["network-invalid-option"](name, `unknown; known are ${Object.values(known).join(", ")}`);
    }
  }
  const bridgeName = options[known.name];
  // dev_valid_name() of the kernel: at most 15 bytes, no slash, colon or space.
  if (bridgeName !== undefined && !/^[A-Za-z0-9][\w.-]{0,14}$/.test(bridgeName)) {
    throw errors["network-invalid-option"](
      known.name,
      `"${bridgeName}" is not an interface name of 1 to 15 characters`,
    );
  }
  const mtu = options[known.mtu];
  if (mtu !== undefined && !(/^\d+$/.test(mtu) && Number(mtu) >= 68 && Number(mtu) <= 65535)) {
    throw errors["network-invalid-option"](known.mtu, `"${mtu}" is not a number from 68 to 65535`);
  }
  const hostBinding = options[known.hostBinding];
  if (hostBinding !== undefined && parseIpv4(hostBinding) === undefined) {
    throw errors["network-invalid-option"](known.hostBinding, `"${hostBinding}" is not an IPv4 address`);
  }
  const interfacePrefix = options[known.interfacePrefix] ?? "eth";
  if (!/^[A-Za-z][\w-]{0,10}$/.test(interfacePrefix)) {
    throw errors["network-invalid-option"](
      known.interfacePrefix,
      `"${interfacePrefix}" is not the start of an interface name`,
    );
  }
  return {
    bridgeName,
    mtu: mtu === undefined ? undefined : Number(mtu),
    interContainer: parseBoolean(known.interContainer, options[known.interContainer]),
    masquerade: parseBoolean(known.masquerade, options[known.masquerade]),
    hostBinding,
    interfacePrefix,
  };
}

/** Go's strconv.ParseBool, which Docker uses here. */
function parseBoolean(name: string, text: string | undefined): boolean {
  if (text === undefined || /^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw errors["network-invalid-option"](name, `"${text}" is neither true nor false`);
}
