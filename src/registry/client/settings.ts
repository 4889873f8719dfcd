import { isIP } from "node:net";
import { errors } from "../errors.ts";

/** How registries are reached; from the daemon's options. */
export type RegistrySettings = {
  /** Hosts (with port), or subnets, that may speak plain HTTP or show certificates nobody knows. */
  readonly insecureRegistries: readonly string[];
  /** Mirrors of docker.io, tried first, in this order: URLs. */
  readonly mirrors: readonly string[];
  /** Directories with a directory for each registry: `HOST:PORT/{*.crt,*.cert,*.key}`. */
  readonly certificateDirectories: readonly string[];
  readonly userAgent: string;
  /** Without a byte for so long, a connection is given up. @default 60 s */
  readonly stallMs?: number | undefined;
  /** First pause before a repetition; doubles. @default 250 ms */
  readonly backOffMs?: number | undefined;
  /** How often one request, or one part of a download, is tried. @default 5 */
  readonly attempts?: number | undefined;
  /** At most so many connections to one host at once. @default 12 */
  readonly connectionsPerHost?: number | undefined;
};

/** Where certificates of registries are looked for, the first directory with something in it wins. */
export const defaultCertificateDirectories = ["/etc/berth/certs.d", "/etc/docker/certs.d"];

/** Networks that are never asked for TLS: this machine (moby: registry/config.go). */
export const loopbackNetworks = ["::1/128", "127.0.0.0/8"];

/** Checks a mirror's URL in Docker's words; returns it with one slash at its end. */
export function parseMirror(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    throw errors.registryMirrorInvalid(`no scheme specified for "${text}": must use either 'https://' or 'http://'`);
  }
  if (scheme !== "http" && scheme !== "https") {
    throw errors.registryMirrorInvalid(
      `unsupported scheme "${scheme}" in "${text}": must use either 'https://' or 'http://'`,
    );
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw errors.registryMirrorInvalid(`"${text}" is not a valid URI`);
  }
  if (url.search !== "" || url.hash !== "") {
    throw errors.registryMirrorInvalid(`query or fragment at end of the URI "${text}"`);
  }
  if (url.username !== "" || url.password !== "") {
    url.password = "xxxxx";
    throw errors.registryMirrorInvalid(`username/password not allowed in URI "${url.href}"`);
  }
  return `${text.replace(/\/$/, "")}/`;
}

/** An address as a number and its length in bits; undefined when it is none. */
function addressBits(text: string): { readonly value: bigint; readonly bits: 32 | 128 } | undefined {
  const kind = isIP(text);
  if (kind === 4) {
    return { value: text.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n), bits: 32 };
  }
  if (kind !== 6) return undefined;
  // The URL parser writes it in one form, with an IPv4 tail as hexadecimal.
  const host = new URL(`http://[${text.replace(/%.*$/, "")}]/`).hostname.slice(1, -1);
  const [head = "", tail] = host.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  const value = [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
  return { value, bits: 128 };
}

/** True when the address lies in the subnet. */
export function isInSubnet(address: string, subnet: string): boolean {
  const [network = "", length = ""] = subnet.split("/");
  const left = addressBits(address);
  const right = addressBits(network);
  if (left === undefined || right === undefined || left.bits !== right.bits) return false;
  const shift = BigInt(left.bits - Number(length));
  return left.value >> shift === right.value >> shift;
}

/** True for "10.0.0.0/8", "fd00::/8". */
export function isSubnet(text: string): boolean {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = match === null ? undefined : addressBits(match[1] ?? "");
  return address !== undefined && Number(match?.[2]) <= address.bits;
}

/** Checks an insecure registry in Docker's words; returns `host[:port]` or a subnet. */
export function parseInsecureRegistry(text: string): string {
  const plain = text.replace(/^https?:\/\//i, "");
  if (plain.includes("://")) throw errors.registryInsecureInvalid(text, "should not contain '://'");
  if (isSubnet(plain)) return plain;
  if (plain.startsWith("-") || plain.endsWith("-")) {
    throw errors.registryInsecureInvalid(
      text,
      `is not valid: invalid index name (${plain}). Cannot begin or end with a hyphen`,
    );
  }
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:/[\]]*)(?::(.*))?$/.exec(plain);
  const host = match?.[1] ?? "";
  const port = match?.[2];
  const isHost = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9._-]*[a-zA-Z0-9])?)$/.test(host);
  if (match === null || !isHost) throw errors.registryInsecureInvalid(text, `is not valid: invalid host "${plain}"`);
  if (port !== undefined && (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)) {
    throw errors.registryInsecureInvalid(text, `is not valid: invalid port "${port}"`);
  }
  return plain;
}

/** How `info` shows the settings (moby: api/types/registry, ServiceConfig). */
export function registryConfig(settings: RegistrySettings): {
  readonly InsecureRegistryCIDRs: string[];
  readonly IndexConfigs: Record<string, { Name: string; Mirrors: string[]; Secure: boolean; Official: boolean }>;
  readonly Mirrors: string[];
} {
  const mirrors = [...settings.mirrors];
  const hosts = settings.insecureRegistries.filter((entry) => !isSubnet(entry));
  return {
    InsecureRegistryCIDRs: [...loopbackNetworks, ...settings.insecureRegistries.filter(isSubnet)],
    IndexConfigs: Object.fromEntries([
      ["docker.io", { Name: "docker.io", Mirrors: mirrors, Secure: true, Official: true }],
      ...hosts.map((host) => [host, { Name: host, Mirrors: [], Secure: false, Official: false }] as const),
    ]),
    Mirrors: mirrors,
  };
}
