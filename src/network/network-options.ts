import { errors } from "./errors.ts";

/** Driver options that mean the same with every driver. */
export const commonOptions = {
  mtu: "com.docker.network.driver.mtu",
  interfacePrefix: "com.docker.network.container_iface_prefix",
  enableIpv4: "com.docker.network.enable_ipv4",
  enableIpv6: "com.docker.network.enable_ipv6",
} as const;

export function isKnown(name: string, known: readonly string[]): boolean {
  return known.includes(name);
}

/** Go's strconv.ParseBool, which Docker uses here. */
export function parseBoolean(options: Readonly<Record<string, string>>, name: string, otherwise: boolean): boolean {
  const text = options[name];
  if (text === undefined) return otherwise;
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw errors["network-invalid-option"](name, `"${text}" is neither true nor false`);
}

export function parseMtu(options: Readonly<Record<string, string>>): number | undefined {
  const mtu = options[commonOptions.mtu];
  if (mtu === undefined) return undefined;
  if (!/^\d+$/.test(mtu) || Number(mtu) < 68 || Number(mtu) > 65535) {
    throw errors["network-invalid-option"](commonOptions.mtu, `"${mtu}" is not a number from 68 to 65535`);
  }
  return Number(mtu);
}

export function parseInterfacePrefix(options: Readonly<Record<string, string>>): string {
  const prefix = options[commonOptions.interfacePrefix] ?? "eth";
  if (!/^[A-Za-z][\w-]{0,10}$/.test(prefix)) {
    throw errors["network-invalid-option"](
      commonOptions.interfacePrefix,
      `"${prefix}" is not the start of an interface name`,
    );
  }
  return prefix;
}
