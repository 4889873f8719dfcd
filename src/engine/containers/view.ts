import type { NetworkService } from "#network";
import { appArmorProfileOf } from "#security";
import type { ContainerEndpoint, ContainerView } from "../contract/index.ts";
import { dnsNamesOf, isUserDefinedMode } from "../networks/join-requests.ts";
import { linkNames, withShownLinks } from "../networks/links.ts";
import { placesOf } from "../networks/places.ts";
import { type Container, hasProcess, isUp } from "./container.ts";
import { etcFilesOf } from "./etc-files.ts";
import type { ContainerParts } from "./parts.ts";

type ViewParts = Pick<ContainerParts, "paths" | "registry" | "network" | "snapshots" | "appArmorProfile" | "catalog">;

/** What others see of a container now. */
export function viewOf(
  parts: ViewParts,
  container: Container,
  names: ReadonlyMap<string, readonly string[]> = linkNames(parts.registry),
): ContainerView {
  const { document, life } = container;
  const live = hasProcess(container);
  const ports = live ? parts.network.describe(container.id).ports : [];
  const etc = etcFilesOf(parts, container);
  return {
    id: container.id,
    name: container.name,
    linkNames: names.get(container.id) ?? [],
    created: document.created,
    path: document.path,
    args: document.args,
    imageId: document.imageId,
    imageName: document.imageName,
    config: document.config,
    hostConfig: withShownLinks(parts.registry, container),
    state: {
      status: life.status,
      running: isUp(container),
      paused: life.status === "paused",
      restarting: life.status === "restarting",
      oomKilled: life.oomKilled,
      dead: life.status === "dead",
      pid: life.pid,
      exitCode: life.exitCode,
      error: life.error,
      startedAt: life.startedAt,
      finishedAt: life.finishedAt,
      health: container.health,
    },
    restartCount: life.restartCount,
    mounts: document.mounts,
    networks: endpointsOf(parts.network, container, live ? placesOf(parts.network, container) : []),
    ports,
    sandboxKey: live ? `/proc/${life.pid}/ns/net` : "",
    execIds: [...container.execIds],
    appArmorProfile: appArmorProfileOf(document.hostConfig, parts.appArmorProfile) ?? "",
    driver: parts.snapshots.name,
    paths: {
      resolvConf: etc.resolvConf,
      hostname: etc.hostname,
      hosts: etc.hosts,
      // Files of other drivers are no interface, as in Docker.
      log:
        document.hostConfig.LogConfig?.Type === "json-file"
          ? `${parts.paths.containers}/${container.id}/${container.id}-json.log`
          : "",
    },
  };
}

function endpointsOf(
  network: NetworkService,
  container: Container,
  live: readonly NonNullable<ContainerEndpoint["endpoint"]>[],
): readonly ContainerEndpoint[] {
  return Object.entries(container.document.networkRequests).map(([requested, settings]): ContainerEndpoint => {
    const record = network.list().find((candidate) => candidate.name === requested || candidate.id === requested);
    const endpoint = live.find((candidate) => candidate.networkId === record?.id);
    const hasNames = record === undefined ? isUserDefinedMode(requested) : !network.isPredefined(record);
    return {
      networkName: record?.name ?? requested,
      networkId: record?.id ?? "",
      settings,
      dnsNames: hasNames ? dnsNamesOf(container, settings.Aliases ?? []) : undefined,
      macAddress: endpoint?.macAddress ?? settings.MacAddress ?? "",
      endpoint,
    };
  });
}
