import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname as hostHostname } from "node:os";
import { join } from "node:path";
import { buildHostsFile, buildResolvConf, readHostResolvConf, type Sandbox } from "#network";
import type { Container } from "./container.ts";
import type { ContainerParts } from "./parts.ts";

/** Host paths of the files mounted over the container's /etc/hostname, /etc/hosts and /etc/resolv.conf. */
export type EtcFiles = { readonly hostname: string; readonly hosts: string; readonly resolvConf: string };

type EtcContent = {
  readonly hostNetwork: boolean;
  readonly hostname: string;
  readonly domainname: string;
  readonly extraHosts: readonly string[];
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
  return filesIn(join(parts.paths.containers, owner));
}

/** Writes them for a start; a container that joins another's network uses that one's as they are. */
export function writeEtcFiles(
  parts: ContainerParts,
  container: Container,
  directory: string,
  sandbox: Sandbox | undefined,
): EtcFiles {
  const files = etcFilesOf(parts, container);
  const { config, hostConfig } = container.document;
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (mode.startsWith("container:")) return files;
  mkdirSync(directory, { recursive: true, mode: 0o710 });
  const hostNetwork = mode === "host";
  const hasOwnName = !hostNetwork || config.Hostname !== container.id.slice(0, 12);
  write(files, sandbox, {
    hostNetwork,
    hostname: hasOwnName ? (config.Hostname ?? "") : hostHostname(),
    domainname: config.Domainname ?? "",
    extraHosts: hostConfig.ExtraHosts ?? [],
    dns: hostConfig.Dns ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
  });
  return files;
}

/** The three files for a build step, in its bundle directory. */
export function writeStepEtcFiles(
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
  write(files, sandbox, {
    hostNetwork,
    hostname: hostNetwork ? hostHostname() : (request.hostname ?? "build"),
    domainname: "",
    extraHosts: request.extraHosts,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
  });
  return files;
}

function filesIn(directory: string): EtcFiles {
  return {
    hostname: join(directory, "hostname"),
    hosts: join(directory, "hosts"),
    resolvConf: join(directory, "resolv.conf"),
  };
}

function write(files: EtcFiles, sandbox: Sandbox | undefined, content: EtcContent): void {
  const { hostNetwork, hostname, domainname, extraHosts, dns, dnsSearch, dnsOptions } = content;
  writeFileSync(files.hostname, `${hostname}\n`, { mode: 0o644 });
  const hosts = hostNetwork
    ? readHostFile("/etc/hosts") + extraHostLines(extraHosts)
    : buildHostsFile({
        hostname,
        domainname,
        addresses: (sandbox?.endpoints ?? []).map((endpoint) => endpoint.ipv4),
        extraHosts,
        hostGateway: sandbox?.endpoints[0]?.gateway,
      });
  writeFileSync(files.hosts, hosts, { mode: 0o644 });
  const resolvConf = buildResolvConf({ hostResolvConf: readHostResolvConf(), hostNetwork, dns, dnsSearch, dnsOptions });
  writeFileSync(files.resolvConf, resolvConf, { mode: 0o644 });
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
