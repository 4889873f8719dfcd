import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { isInSubnet, isSubnet, loopbackNetworks, type RegistrySettings } from "./settings.ts";

/** One way to a registry: where to connect, and how much to believe. */
export type Endpoint = {
  /** Scheme, host and port; a mirror may have a path. Ends with "/". */
  readonly url: string;
  readonly isMirror: boolean;
  /** False: certificates are not checked. */
  readonly verify: boolean;
  /** Whether it speaks TLS at all is not known: plain HTTP is the next to try. */
  readonly isGuess?: boolean;
};

/** The registry that names without a registry mean, and where it really is. */
const DOCKER_HUB = "docker.io";
const DOCKER_HUB_HOST = "registry-1.docker.io";

async function addressesOf(host: string): Promise<readonly string[]> {
  const bare = host.replace(/^\[|\]$/g, "");
  if (isIP(bare) !== 0) return [bare];
  if (bare === "localhost") return ["127.0.0.1"];
  try {
    return (await lookup(bare, { all: true })).map(({ address }) => address);
  } catch {
    // Nobody knows it: connecting will say so.
    return [];
  }
}

/** True when the registry may be spoken to without TLS, or with a certificate nobody vouches for. */
export async function isInsecure(host: string, settings: RegistrySettings): Promise<boolean> {
  if (settings.insecureRegistries.includes(host)) return true;
  const networks = [...loopbackNetworks, ...settings.insecureRegistries.filter(isSubnet)];
  const addresses = await addressesOf(host.replace(/:\d+$/, ""));
  return addresses.some((address) => networks.some((network) => isInSubnet(address, network)));
}

/** Where a registry can be found, best first: mirrors, then itself; an insecure one by TLS first, then without. */
export async function endpointsOf(
  domain: string,
  settings: RegistrySettings,
  options: { readonly mirrors: boolean },
): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = [];
  if (domain === DOCKER_HUB && options.mirrors) {
    for (const mirror of settings.mirrors) {
      const verify = !(await isInsecure(new URL(mirror).host, settings));
      endpoints.push({ url: mirror, isMirror: true, verify });
    }
  }
  const host = domain === DOCKER_HUB ? DOCKER_HUB_HOST : domain;
  const insecure = await isInsecure(host, settings);
  endpoints.push({ url: `https://${host}/`, isMirror: false, verify: !insecure, isGuess: insecure });
  if (insecure) endpoints.push({ url: `http://${host}/`, isMirror: false, verify: false });
  return endpoints;
}
