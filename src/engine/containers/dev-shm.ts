import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { giveToContainers, mount, MOUNT_FLAG, unmount } from "#linux";
import type { SpecInput } from "#runtime";
import { errors } from "../errors.ts";
import type { Container } from "./container.ts";
import { joinedContainer } from "./namespaces.ts";
import type { ContainerParts } from "./parts.ts";
import { idMappingOf } from "./user-namespace.ts";

/** A shareable container's /dev/shm on the host, so that another container can mount the same one. */
function hostDirectory(parts: Pick<ContainerParts, "paths">, id: string): string {
  return join(parts.paths.bundles, id, "shm");
}

/**
 * /dev/shm of a container that is about to start. A private one is a tmpfs of its own mount namespace; a shareable one
 * is mounted on the host, in the bundle, because a mount of another namespace cannot be bound.
 */
export function sharedMemory(parts: ContainerParts, container: Container): SpecInput["shm"] {
  const { hostConfig } = container.document;
  const mode = hostConfig.IpcMode ?? "";
  if (mode === "none") return "none";
  if (mode === "host") return { source: "/dev/shm" };
  if (mode.startsWith("container:")) {
    const target = joinedContainer(parts.registry, container, "IPC", mode);
    const targetMode = target.document.hostConfig.IpcMode ?? "";
    if (targetMode === "host") return { source: "/dev/shm" };
    if (targetMode !== "shareable") throw errors.ipcNotShareable(target.id);
    return { source: hostDirectory(parts, target.id) };
  }
  const sizeBytes = hostConfig.ShmSize ?? 0;
  if (mode !== "shareable") return { sizeBytes };
  const target = hostDirectory(parts, container.id);
  mkdirSync(target, { recursive: true, mode: 0o755 });
  mount({
    source: "shm",
    target,
    type: "tmpfs",
    flags: MOUNT_FLAG.noSetuid | MOUNT_FLAG.noExec | MOUNT_FLAG.noDevices,
    options: `mode=1777,size=${sizeBytes}`,
  });
  giveToContainers(target, idMappingOf(parts, hostConfig));
  return { source: target };
}

/** Unmounts what `sharedMemory` mounted; idempotent. */
export function releaseSharedMemory(parts: Pick<ContainerParts, "paths">, id: string): void {
  const target = hostDirectory(parts, id);
  unmount(target);
  rmSync(target, { recursive: true, force: true });
}
