import type { EndpointSettings } from "#formats";
import type { ConnectRequest, NetworkRecord } from "#network";
import { type Container, hasProcess } from "../containers/container.ts";
import { addToEtcFiles, removeFromEtcFiles } from "../containers/etc-files.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { portPublications } from "../containers/port-publications.ts";
import { errors } from "../errors.ts";
import { checkEndpointSettings, joinRequestOf, namespacePathOf, nameServerOf } from "./join-requests.ts";
import { emitEndpointEvents } from "./network-events.ts";

/**
 * Puts a container on a further network: at once when it runs, else with its next start. The caller holds its lock.
 * Nothing is changed when it fails.
 */
export async function connectContainer(
  parts: ContainerParts,
  container: Container,
  record: NetworkRecord,
  settings: EndpointSettings,
): Promise<void> {
  checkChangeable(container);
  const { networkRequests, hostConfig } = container.document;
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (mode.startsWith("container:")) throw errors.sharedNamespace();
  if (record.driver === "host" && !record.configOnly) throw errors.networkHostLater();
  checkEndpointSettings(parts.network, record.name, settings);
  const runs = hasProcess(container);
  for (const name of Object.keys(networkRequests)) {
    if (name === record.name) continue;
    if (name === "host") throw errors.sharedNamespace();
    if (name === "none" || record.name === "none") throw errors.networkNoneAmongOthers();
  }
  if (record.driver === "null" && runs) throw errors.networkNoneAmongOthers();
  // Connecting a stopped container twice changes what it asked for.
  const next = { ...networkRequests, [record.name]: settings };
  if (!runs) {
    save(parts, container, next);
    return;
  }
  const endpoint = await parts.network.connect(
    connectRequestOf(parts, container),
    joinRequestOf(parts, container, record.name, settings),
  );
  try {
    save(parts, container, next);
  } catch (error) {
    await parts.network.disconnect(connectRequestOf(parts, container), record.id);
    throw error;
  }
  addToEtcFiles(parts, container, endpoint);
  emitEndpointEvents(parts, "connect", container.id, [endpoint]);
}

/** Takes a container off a network, running or not. The caller holds its lock. */
export async function disconnectContainer(
  parts: ContainerParts,
  container: Container,
  network: { readonly reference: string; readonly record: NetworkRecord | undefined },
): Promise<void> {
  checkChangeable(container);
  const name = network.record?.name ?? network.reference;
  const { [name]: settings, ...rest } = container.document.networkRequests;
  const { record } = network;
  if (!hasProcess(container) || record === undefined) {
    if (settings === undefined) throw errors.notConnected(container.id, `the network ${name}`);
    save(parts, container, rest);
    return;
  }
  if (record.driver === "host" && !record.configOnly) throw errors.networkHostLeave();
  const before = parts.network.describe(container.id).endpoints.find(({ networkId }) => networkId === record.id);
  if (settings === undefined && before === undefined) throw errors.notConnected(container.id, `network ${name}`);
  await parts.network.disconnect(connectRequestOf(parts, container), record.id);
  save(parts, container, rest);
  if (before === undefined) return;
  removeFromEtcFiles(parts, container, before);
  emitEndpointEvents(parts, "disconnect", container.id, [before]);
}

/**
 * Undoes connects that a kill interrupted between the interface and the record: what the record does not name, the
 * client was never told of.
 */
export async function dropUnrecorded(parts: ContainerParts, container: Container): Promise<void> {
  const names = Object.keys(container.document.networkRequests);
  for (const endpoint of parts.network.describe(container.id).endpoints) {
    if (names.includes(endpoint.networkName) || names.includes(endpoint.networkId)) continue;
    await parts.network.disconnect(connectRequestOf(parts, container), endpoint.networkId);
  }
}

function checkChangeable(container: Container): void {
  if (container.removing || container.life.status === "dead" || container.life.status === "removing") {
    throw errors.networkOfRemoved(container.id);
  }
}

function connectRequestOf(parts: ContainerParts, container: Container): ConnectRequest {
  const { config, hostConfig } = container.document;
  return {
    containerId: container.id,
    containerName: container.name,
    namespacePath: namespacePathOf(container),
    publications: portPublications(config, hostConfig),
    nameServer: nameServerOf(parts, container),
  };
}

function save(parts: ContainerParts, container: Container, requests: Record<string, EndpointSettings>): void {
  const before = container.document.networkRequests;
  container.document.networkRequests = requests;
  try {
    parts.registry.saveDocument(container);
  } catch (error) {
    container.document.networkRequests = before;
    throw error;
  }
}
