import { shortId } from "#base";
import type { EndpointSettings, HostConfig } from "#formats";
import type { JoinRequest, LiveContainer, NetworkRecord, NetworkService } from "#network";
import { type Container } from "../containers/container.ts";
import type { HostConfigDefaults } from "../containers/host-config.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { errors } from "../errors.ts";

/** True for the word in a container's NetworkMode that stands for a network of a user's. */
export function isUserDefinedMode(mode: string): boolean {
  return !["bridge", "host", "none", "default", ""].includes(mode) && !mode.startsWith("container:");
}

/** What a container is called on a network with names, in the order of moby's `buildEndpointDNSNames`. */
export function dnsNamesOf(
  container: Pick<Container, "id" | "name" | "document">,
  aliases: readonly string[],
): string[] {
  const hostname = container.document.config.Hostname ?? "";
  const names = [container.name, ...aliases, shortId(container.id), hostname];
  return [...new Set(names.filter((name) => name !== ""))];
}

/** "db:database" as alias → name; without a colon both are the same. */
export function linksOf(links: readonly string[] | null | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const link of links ?? []) {
    const [name = "", alias = name] = link.split(":");
    if (name === "" || alias === "") throw errors.linkInvalid(link);
    found[alias] = name;
  }
  return found;
}

/** What a container asks of a network, in the words of `network`. */
export function joinRequestOf(
  parts: Pick<ContainerParts, "registry">,
  container: Container,
  network: string,
  settings: EndpointSettings,
): JoinRequest {
  const { config, hostConfig } = container.document;
  const isMain = network === (hostConfig.NetworkMode ?? "bridge");
  // By id too: "--link 0123:db".
  const links = Object.entries(linksOf(settings.Links)).map(
    ([alias, name]) => [alias, parts.registry.find(name)?.name ?? name] as const,
  );
  return {
    network,
    ipv4: settings.IPAMConfig?.IPv4Address || undefined,
    ipv6: settings.IPAMConfig?.IPv6Address || undefined,
    linkLocalAddresses: settings.IPAMConfig?.LinkLocalIPs ?? [],
    macAddress: settings.MacAddress || (isMain ? config.MacAddress : "") || undefined,
    gatewayPriority: settings.GwPriority ?? 0,
    driverOptions: settings.DriverOpts ?? {},
    names: dnsNamesOf(container, settings.Aliases ?? []),
    links: Object.fromEntries(links),
  };
}

/** What the name server of a container needs of its settings. */
export function nameServerOf(
  { defaults }: { readonly defaults: Pick<HostConfigDefaults, "dns"> },
  { document }: Container,
): LiveContainer["nameServer"] {
  const own = document.hostConfig.Dns ?? [];
  return { servers: own.length > 0 ? own : defaults.dns.servers };
}

/** Where a running container's network namespace is. */
export function namespacePathOf(container: Container): string {
  return `/proc/${container.life.pid}/ns/net`;
}

/** Refuses what a place on a network can never have; the network itself may not be there yet. */
export function checkEndpointSettings(
  network: Pick<NetworkService, "list" | "isPredefined" | "checkJoin">,
  name: string,
  settings: EndpointSettings,
): void {
  const record = network.list().find((candidate) => candidate.name === name || candidate.id === name);
  const isUserDefined = record === undefined ? isUserDefinedMode(name) : !network.isPredefined(record);
  if (!isUserDefined && (settings.Aliases ?? []).length > 0) throw errors.aliasNotAllowed();
  linksOf(settings.Links);
  if (record === undefined) return;
  network.checkJoin({
    network: record.id,
    ipv4: settings.IPAMConfig?.IPv4Address || undefined,
    ipv6: settings.IPAMConfig?.IPv6Address || undefined,
    linkLocalAddresses: settings.IPAMConfig?.LinkLocalIPs ?? [],
    macAddress: settings.MacAddress || undefined,
    driverOptions: settings.DriverOpts ?? {},
  });
}

/**
 * Per network name what a client asked for at create. The network of the mode comes first: its interface is the first.
 * Names stand for networks that are there; others are looked for at start, as in Docker.
 */
export function networkRequestsOf(
  network: Pick<NetworkService, "list" | "isPredefined" | "checkJoin">,
  hostConfig: HostConfig,
  macAddress: string | null | undefined,
  endpoints: Readonly<Record<string, EndpointSettings | null | undefined>> | null | undefined,
): Record<string, EndpointSettings> {
  const mode = hostConfig.NetworkMode ?? "bridge";
  const given = Object.entries(endpoints ?? {});
  if (mode.startsWith("container:")) {
    if (given.length > 0) throw errors.sharedNamespace();
    return {};
  }
  const nameOf = (key: string): string => {
    const wanted = key === "default" ? mode : key;
    const named = network.list().find((record) => record.name === wanted);
    const byId = wanted.length < 12 ? undefined : network.list().find((record) => record.id.startsWith(wanted));
    return named?.name ?? byId?.name ?? wanted;
  };
  const requests: Record<string, EndpointSettings> = { [nameOf(mode)]: {} };
  for (const [key, settings] of given) requests[nameOf(key)] = settings ?? {};
  const names = Object.keys(requests);
  if (names.length > 1) for (const name of names) refuseNotForMany(network, name);
  const own = requests[nameOf(mode)]?.MacAddress ?? "";
  if ((macAddress ?? "") !== "" && own !== "" && own !== macAddress) throw errors.macAddressMismatch();
  for (const [name, settings] of Object.entries(requests)) checkEndpointSettings(network, name, settings);
  return requests;
}

function refuseNotForMany(network: Pick<NetworkService, "list">, name: string): void {
  const driver: NetworkRecord["driver"] | undefined = network.list().find((record) => record.name === name)?.driver;
  if (driver === "host") throw errors.sharedNamespace();
  if (driver === "null") throw errors.networkNoneAmongOthers();
}
