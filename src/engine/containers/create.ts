import { mkdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { errorMessage, isErrorKind, nowNanoseconds } from "#base";
import type { ContainerConfig, CreateContainerBody, HostConfig } from "#formats";
import { letContainersThrough } from "#linux";
import { validateResources } from "#runtime";
import { checkSecurityOptions } from "#security";
import { errors } from "../errors.ts";
import { networkRequestsOf } from "../networks/join-requests.ts";
import { legacyLinks } from "../networks/links.ts";
import { copyUp } from "../volumes/copy-up.ts";
import { unmountIfIdle } from "../volumes/volume-mounts.ts";
import { type Container, newContainer, type StoredMount } from "./container.ts";
import { logConfigurationOf } from "./container-log.ts";
import { prepareImageMounts } from "./image-mounts.ts";
import { commandOf, mergeConfig } from "./merge-config.ts";
import { createBindSource, type PlannedMount, planMounts } from "./mount-points.ts";
import { checkPlatform, requestedImage } from "./image-platform.ts";
import { normalizeHostConfig } from "./host-config.ts";
import { type ContainerParts, emitContainerEvent } from "./parts.ts";
import { portPublications } from "./port-publications.ts";
import { freshContainerId } from "./registry.ts";
import { storageSize } from "./storage-options.ts";
import { checkUserNamespace } from "./user-namespace.ts";
import { validateConfig, validateHostConfig } from "./validate.ts";

export type CreateRequest = {
  readonly name?: string | undefined;
  readonly body: CreateContainerBody;
  readonly platform?: string | undefined;
};

/**
 * Makes a container: checks everything, then one row; nothing touches the kernel. A failure leaves nothing behind.
 * Errors: not-found (the image alone: clients take it as a call to pull), conflict (name), invalid (everything else), in
 * Docker's words.
 */
export async function createContainer(
  parts: ContainerParts,
  request: CreateRequest,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  // Most containers are started at once.
  parts.noticeMigration();
  const { HostConfig: givenHostConfig, NetworkingConfig: networking, ...userConfig } = request.body;
  if (Object.values(userConfig).every((value) => value === undefined)) throw errors.configEmpty();
  const hasCommand = [...(userConfig.Entrypoint ?? []), ...(userConfig.Cmd ?? [])].length > 0;
  if ((userConfig.Image ?? "") === "" && !hasCommand) throw errors.noCommand();
  const image = await requestedImage(parts.catalog, userConfig.Image ?? "", request.platform);
  if (parts.trust.isActive) await parts.trust.require(image, userConfig.Image ?? "");
  const platformWarning = await checkPlatform(image, userConfig.Image ?? "", request.platform);
  const merged = mergeConfig(userConfig, image.config.config ?? {});
  validateConfig(merged);
  const { path, args } = commandOf(merged);
  const normalized = normalizeHostConfig(givenHostConfig ?? {}, parts.defaults);
  validateHostConfig(merged, normalized);
  checkUserNamespace(parts, normalized);
  checkSecurityOptions(normalized);
  const checked = validateResources(normalized, parts.hostLimits);
  const hostConfig = withJoinedIds(parts, checked.hostConfig);
  const warnings = [...(platformWarning === undefined ? [] : [platformWarning]), ...checked.warnings];
  parts.runtime(hostConfig.Runtime ?? "");
  portPublications(merged, hostConfig);
  warnings.push(...checkNamespaceTargets(parts, merged, hostConfig));
  const requests = networkRequestsOf(parts.network, hostConfig, merged.MacAddress, networking?.EndpointsConfig);
  const links = legacyLinks(parts, hostConfig);
  const plan = planMounts(merged, hostConfig, (reference) => existing(parts, reference).document.mounts);
  for (const mount of plan) {
    if (mount.type === "image") {
      const mounted = parts.catalog.find(mount.source);
      if (mounted === undefined) throw errors.mountImageMissing(mount.source);
      await parts.trust.require(mounted, mount.source);
    }
  }

  const id = freshContainerId(parts.registry);
  const created = nowNanoseconds();
  const imageName = userConfig.Image ?? "";
  logConfigurationOf(id, request.name ?? "", {
    config: merged,
    hostConfig,
    imageId: image.id,
    imageName,
    created,
    path,
    args,
  });
  await using undo = new AsyncDisposableStack();
  const name = parts.registry.claimName(request.name, id);
  undo.defer(() => parts.registry.releaseName(name));
  const directory = join(parts.paths.containers, id);

  mkdirSync(directory, { mode: 0o710 });
  letContainersThrough(directory, parts.snapshots.idMapping);
  undo.defer(() => rmSync(directory, { recursive: true, force: true }));
  await parts.snapshots.prepare(id, image.config.rootfs.diff_ids, {
    discardable: hostConfig.AutoRemove === true,
    sizeBytes: storageSize(hostConfig, parts.defaults.storageSizeBytes),
  });
  undo.defer(() => parts.snapshots.remove(id));
  using holds = new DisposableStack();
  const mounts = await realizeMounts(parts, id, plan, undo, holds);
  await prepareImageMounts(parts, id, mounts, undo);

  const container = newContainer(id, name, {
    created,
    path,
    args,
    imageId: image.id,
    imageName,
    diffIds: image.config.rootfs.diff_ids,
    config: defaultHostname(merged, hostConfig, id),
    hostConfig: links === undefined ? hostConfig : { ...hostConfig, Links: links },
    mounts,
    networkRequests: requests,
  });
  parts.registry.add(container);
  undo.move();
  emitContainerEvent(parts, container, "create");
  return { id, warnings };
}

/** Hostname defaults to the short id; under `--network host` the host's own is shown. */
function defaultHostname(config: ContainerConfig, hostConfig: HostConfig, id: string): ContainerConfig {
  if ((config.Hostname ?? "") !== "" || (hostConfig.NetworkMode ?? "").startsWith("container:")) return config;
  if (hostConfig.NetworkMode === "host") return { ...config, Hostname: hostname() };
  return { ...config, Hostname: id.slice(0, 12) };
}

/** The container a request names beside its image. Its absence is not the not-found that makes `docker run` pull the image. */
function existing({ registry }: Pick<ContainerParts, "registry">, reference: string): Container {
  const container = registry.find(reference);
  if (container === undefined) throw errors.joinMissing(reference);
  return container;
}

/**
 * Containers that are joined by name are remembered by id: a rename later changes nothing. One whose network is to be
 * joined may come later, as in Docker.
 */
function withJoinedIds(parts: Pick<ContainerParts, "registry">, hostConfig: HostConfig): HostConfig {
  const networkMode = hostConfig.NetworkMode ?? "";
  const networkTarget = networkMode.startsWith("container:")
    ? parts.registry.find(networkMode.slice("container:".length))
    : undefined;
  const byId = (mode: string | null | undefined) => {
    if (mode?.startsWith("container:") !== true) return mode;
    return `container:${existing(parts, mode.slice("container:".length)).id}`;
  };
  const { NetworkMode, PidMode, IpcMode } = hostConfig;
  return {
    ...hostConfig,
    NetworkMode: networkTarget === undefined ? NetworkMode : `container:${networkTarget.id}`,
    PidMode: byId(PidMode),
    IpcMode: byId(IpcMode),
  };
}

/** Containers whose processes or IPC a container wants to join must be there now; networks, as in Docker, at start. */
function checkNamespaceTargets(
  parts: Pick<ContainerParts, "registry">,
  config: ContainerConfig,
  hostConfig: HostConfig,
): readonly string[] {
  const warnings: string[] = [];
  for (const mode of [hostConfig.PidMode, hostConfig.IpcMode]) {
    if (mode?.startsWith("container:") === true) existing(parts, mode.slice("container:".length));
  }
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (mode === "host" && portPublications(config, hostConfig).length > 0) {
    warnings.push("Published ports are discarded when using host network mode");
  }
  return warnings;
}

/** A driver that is missing is not the not-found that makes clients pull the image. */
function createVolume({ volumes }: Pick<ContainerParts, "volumes">, request: NonNullable<PlannedMount["volume"]>) {
  try {
    return volumes.create(request);
  } catch (error) {
    if (isErrorKind(error, "not-found")) throw errors.volumeDriverMissing(errorMessage(error));
    throw error;
  }
}

/** Makes the volumes and the host directories of `-v`, and fills new volumes from the image. */
async function realizeMounts(
  parts: ContainerParts,
  id: string,
  plan: readonly PlannedMount[],
  undo: AsyncDisposableStack,
  holds: DisposableStack,
): Promise<readonly StoredMount[]> {
  const mounts: StoredMount[] = [];
  for (const { volume: request, ...mount } of plan) {
    if (request === undefined) {
      if (mount.type === "bind") createBindSource(mount.source, parts.snapshots.idMapping);
      mounts.push(mount);
      continue;
    }
    const { volume, created } = createVolume(parts, request);
    // Until the container has a row, nobody else knows that it uses the volume.
    const release = parts.volumes.hold(volume.name);
    holds.defer(() => {
      release();
      unmountIfIdle(parts, volume);
    });
    if (created) {
      undo.defer(() => parts.volumes.remove(volume.name));
      parts.events.emit({
        type: "volume",
        action: "create",
        actor: { id: volume.name, attributes: { driver: "local" } },
      });
    }
    if (request.copyUp) await copyUp(parts, id, volume, mount.destination);
    mounts.push({ ...mount, name: volume.name, source: volume.mountpoint });
  }
  return mounts;
}
