import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname as hostHostname } from "node:os";
import type { IdMapping } from "#base";
import { giveToContainers, letContainersThrough } from "#linux";
import {
  buildHostsFile,
  buildResolvConf,
  type Endpoint,
  type NetworkService,
  readHostResolvConf,
  type Sandbox,
} from "#network";
import { type Link, linkLines } from "../networks/link-lines.ts";
import type { Container } from "./container.ts";
import type { ContainerParts } from "./parts.ts";

/** Host paths of the files mounted over the container's /etc/hostname, /etc/hosts and /etc/resolv.conf. */
export type EtcFiles = { readonly hostname: string; readonly hosts: string; readonly resolvConf: string };

type EtcContent = {
  readonly hostNetwork: boolean;
  readonly hostname: string;
  readonly domainname: string;
  readonly extraHosts: readonly string[];
  /** What `host-gateway` stands for; empty = the host on the container's bridge. */
  readonly hostGateways: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
};

/** Where these files are, for inspect; the ones of the joined container under `--network container:`. */
export function etcFilesOf(parts: Pick<ContainerParts, "paths" | "registry">, container: Container): EtcFiles {
  const mode = container.document.hostConfig.NetworkMode ?? "";
  const owner = mode.startsWith("container:")
    ? (parts.registry.find(mode.slice("container:".length))?.id ?? container.id)
    : container.id;
  return filesIn(`${parts.paths.containers}/${owner}`);
}

/** What a start has found out by the time the files are written. */
type Started = {
  readonly sandbox: Sandbox | undefined;
  /** Of the default bridge. */
  readonly links: readonly Link[];
};

/** Writes them for a start; a container that joins another's network uses that one's as they are. */
export function writeEtcFiles(
  parts: ContainerParts,
  container: Container,
  directory: string,
  { sandbox, links }: Started,
): EtcFiles {
  const files = etcFilesOf(parts, container);
  const mode = container.document.hostConfig.NetworkMode ?? "bridge";
  if (mode.startsWith("container:")) return files;
  mkdirSync(directory, { recursive: true, mode: 0o710 });
  letContainersThrough(directory, parts.snapshots.idMapping);
  const content = contentOf(parts, container);
  write(parts.network, files, sandbox, content, linkLines(parts, links));
  give(files, parts.snapshots.idMapping);
  return files;
}

/** The container's root may write to them, as in Docker. */
function give(files: EtcFiles, idMapping: IdMapping | undefined): void {
  if (idMapping !== undefined) for (const file of Object.values(files)) giveToContainers(file, idMapping);
}

/** What a container says, else what the daemon was told. */
function chosen(own: readonly string[] | null | undefined, daemons: readonly string[]): readonly string[] {
  return own !== undefined && own !== null && own.length > 0 ? own : daemons;
}

function contentOf(
  { defaults }: Pick<ContainerParts, "defaults">,
  { id, document: { config, hostConfig } }: Container,
): EtcContent {
  const hostNetwork = hostConfig.NetworkMode === "host";
  const hasOwnName = !hostNetwork || config.Hostname !== id.slice(0, 12);
  return {
    hostNetwork,
    hostname: hasOwnName ? (config.Hostname ?? "") : hostHostname(),
    domainname: config.Domainname ?? "",
    extraHosts: hostConfig.ExtraHosts ?? [],
    hostGateways: defaults.hostGateways,
    dns: chosen(hostConfig.Dns, defaults.dns.servers),
    dnsSearch: chosen(hostConfig.DnsSearch, defaults.dns.search),
    dnsOptions: chosen(hostConfig.DnsOptions, defaults.dns.options),
  };
}

/**
 * A running container has come to a further network: its addresses there get their names, and with the first network
 * that has names, its resolv.conf the name server, unless somebody has edited the file.
 */
export function addToEtcFiles(parts: ContainerParts, container: Container, added: Endpoint): void {
  const files = etcFilesOf(parts, container);
  const content = contentOf(parts, container);
  if (!existsSync(files.hosts)) return;
  const lines = addressLines(content, [added]);
  // In place: the container has these very files mounted.
  writeFileSync(files.hosts, `${readFileSync(files.hosts, "utf8").replace(/\n?$/, "\n")}${lines.join("")}`);
  const { endpoints } = parts.network.describe(container.id);
  const before = endpoints.filter(({ networkId }) => networkId !== added.networkId);
  const text = resolvConfOf(parts.network, content, before);
  const next = resolvConfOf(parts.network, content, endpoints);
  if (text !== next && readFileSync(files.resolvConf, "utf8") === text) writeFileSync(files.resolvConf, next);
}

/** A running container has left a network: its addresses there are its no more. */
export function removeFromEtcFiles(parts: ContainerParts, container: Container, removed: Endpoint): void {
  const { hosts } = etcFilesOf(parts, container);
  if (!existsSync(hosts)) return;
  const gone = new Set(addressLines(contentOf(parts, container), [removed]).map((line) => line.trim()));
  const kept = readFileSync(hosts, "utf8")
    .split("\n")
    .filter((line) => !gone.has(line.trim()) || line === "");
  writeFileSync(hosts, kept.join("\n"));
}

/** The three files for a build step, in its bundle directory. */
export function writeStepEtcFiles(
  { network, defaults, snapshots }: Pick<ContainerParts, "network" | "defaults" | "snapshots">,
  directory: string,
  request: {
    readonly hostname?: string | undefined;
    readonly network: unknown;
    readonly extraHosts: readonly string[];
  },
  sandbox: Sandbox | undefined,
): EtcFiles {
  const files = filesIn(directory);
  const hostNetwork = request.network === "host";
  const content = {
    hostNetwork,
    hostname: hostNetwork ? hostHostname() : (request.hostname ?? "build"),
    domainname: "",
    extraHosts: request.extraHosts,
    hostGateways: defaults.hostGateways,
    dns: defaults.dns.servers,
    dnsSearch: defaults.dns.search,
    dnsOptions: defaults.dns.options,
  };
  write(network, files, sandbox, content, []);
  give(files, snapshots.idMapping);
  return files;
}

function filesIn(directory: string): EtcFiles {
  // Not `join`: this is done for every container of every list.
  return {
    hostname: `${directory}/hostname`,
    hosts: `${directory}/hosts`,
    resolvConf: `${directory}/resolv.conf`,
  };
}

/** What the files need to know of networks. */
type NetworkFacts = Pick<NetworkService, "list" | "get" | "isPredefined">;

function write(
  network: NetworkFacts,
  files: EtcFiles,
  sandbox: Sandbox | undefined,
  content: EtcContent,
  moreHosts: readonly string[],
): void {
  const { hostNetwork, extraHosts } = content;
  const endpoints = sandbox?.endpoints ?? [];
  writeFileSync(files.hostname, `${content.hostname}\n`, { mode: 0o644 });
  const hosts = hostNetwork
    ? readHostFile("/etc/hosts") + extraHostLines(extraHosts)
    : buildHostsFile({
        hostname: content.hostname,
        domainname: content.domainname,
        addresses: addressesOf(endpoints),
        extraHosts,
        hostGateways:
          content.hostGateways.length > 0 && endpoints.length > 0
            ? content.hostGateways
            : hostGatewaysOf(network, endpoints, extraHosts),
      });
  writeFileSync(files.hosts, hosts + moreHosts.map((line) => `${line}\n`).join(""), { mode: 0o644 });
  writeFileSync(files.resolvConf, resolvConfOf(network, content, endpoints), { mode: 0o644 });
}

function addressesOf(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]).filter((address) => address !== "");
}

/** The lines of /etc/hosts that name a container's own addresses. */
function addressLines({ hostname, domainname }: EtcContent, endpoints: readonly Endpoint[]): readonly string[] {
  if (hostname === "") return [];
  const names = domainname === "" ? hostname : `${hostname}.${domainname} ${hostname}`;
  return addressesOf(endpoints).map((address) => `${address}\t${names}\n`);
}

/** The host as a container reaches it: the bridge it is on; from elsewhere the default one. */
function hostGatewaysOf(
  network: NetworkFacts,
  endpoints: readonly Endpoint[],
  extraHosts: readonly string[],
): readonly string[] {
  if (!extraHosts.some((entry) => entry.endsWith("host-gateway"))) return [];
  const isBridge = (networkId: string): boolean =>
    network.list().some((record) => record.id === networkId && record.driver === "bridge");
  const near = endpoints.find(
    ({ networkId, gateway, ipv6Gateway }) => isBridge(networkId) && gateway + ipv6Gateway !== "",
  );
  const gateways =
    near === undefined
      ? network.get("bridge").pools.map(({ gateway = "" }) => gateway)
      : [near.gateway, near.ipv6Gateway];
  return endpoints.length === 0 ? [] : gateways.filter((address) => address !== "");
}

function resolvConfOf(network: NetworkFacts, content: EtcContent, endpoints: readonly Endpoint[]): string {
  const isOfUser = ({ networkId }: Endpoint): boolean => !network.isPredefined(network.get(networkId));
  return buildResolvConf({
    hostResolvConf: readHostResolvConf(),
    hostNetwork: content.hostNetwork,
    hasNameServer: endpoints.some(isOfUser),
    hasIpv6: endpoints.some(({ ipv6 }) => ipv6 !== ""),
    dns: content.dns,
    dnsSearch: content.dnsSearch,
    dnsOptions: content.dnsOptions,
  });
}

function readHostFile(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function extraHostLines(extraHosts: readonly string[]): string {
  return extraHosts
    .map((entry) => {
      const [, name = "", address = ""] = /^([^:=]+)[:=](.+)$/.exec(entry) ?? [];
      return `${address === "host-gateway" ? "127.0.0.1" : address}\t${name}\n`;
    })
    .join("");
}
