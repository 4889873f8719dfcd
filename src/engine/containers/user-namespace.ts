import { readlinkSync } from "node:fs";
import { errorMessage, type FileOwner, hostRoot, type IdMapping } from "#base";
import type { HostConfig } from "#formats";
import { makeOwnedNamespaces } from "#linux";
import { errors } from "../errors.ts";
import type { Container } from "./container.ts";
import { joinedContainer } from "./namespaces.ts";
import type { ContainerParts } from "./parts.ts";

/** The user namespace of a container that is about to start. */
export type UserNamespace = {
  readonly path: string;
  readonly idMapping: IdMapping;
  /** A network namespace that belongs to it; undefined when the container joins another's. */
  readonly network: number | undefined;
  /** Lets both go, once the container runs. Idempotent. */
  release(): void;
};

type Snapshots = Pick<ContainerParts, "snapshots">;

/** How ids of a container lie on the host; undefined when they are the host's. */
export function idMappingOf({ snapshots }: Snapshots, hostConfig: HostConfig): IdMapping | undefined {
  return hostConfig.UsernsMode === "host" ? undefined : snapshots.idMapping;
}

/** Who standard streams are given to, so that processes can open /dev/stdout anew. */
export function streamOwner(idMapping: IdMapping | undefined): { readonly owner?: FileOwner } {
  return idMapping === undefined ? {} : { owner: hostRoot(idMapping) };
}

/** What containers in a user namespace of their own cannot have (moby `daemon/daemon_unix.go`, verifyPlatformContainerSettings). */
export function checkUserNamespace(parts: Snapshots, hostConfig: HostConfig): void {
  if (idMappingOf(parts, hostConfig) === undefined) return;
  if (hostConfig.Privileged === true) throw errors.remappedPrivileged();
  if (hostConfig.NetworkMode === "host") throw errors.remappedHostNetwork();
  if (hostConfig.PidMode === "host") throw errors.remappedHostPid();
}

/**
 * Opens the user namespace of a container whose ids are remapped; undefined for others. Whoever joins a namespace of
 * another container shares its user namespace, to which that belongs.
 */
export async function openUserNamespace(
  parts: Pick<ContainerParts, "snapshots" | "registry">,
  container: Container,
): Promise<UserNamespace | undefined> {
  const { hostConfig } = container.document;
  const idMapping = idMappingOf(parts, hostConfig);
  if (idMapping === undefined) return undefined;
  const joined = joinedNamespace(parts, container);
  if (joined !== undefined && hostConfig.NetworkMode?.startsWith("container:") === true) {
    return { path: joined, idMapping, network: undefined, release: () => {} };
  }
  return newUserNamespace(idMapping, joined);
}

/** The user namespace of a build step. */
export function openStepUserNamespace(
  { snapshots, registry }: Pick<ContainerParts, "snapshots" | "registry">,
  network: unknown,
): Promise<UserNamespace | undefined> {
  const { idMapping } = snapshots;
  if (idMapping === undefined) return Promise.resolve(undefined);
  if (network === "host") throw errors.remappedHostNetwork();
  const joined = typeof network === "object" && network !== null && "containerId" in network ? network : undefined;
  if (joined === undefined) return newUserNamespace(idMapping, undefined);
  const target = registry.get(String(joined.containerId));
  if (idMappingOf({ snapshots }, target.document.hostConfig) === undefined) {
    throw errors.joinUserNamespace("network", target.id);
  }
  const path = `/proc/${target.life.pid}/ns/user`;
  return Promise.resolve({ path, idMapping, network: undefined, release: () => {} });
}

async function newUserNamespace(idMapping: IdMapping, joined: string | undefined): Promise<UserNamespace> {
  const made = await makeOwnedNamespaces(joined === undefined ? idMapping : { path: joined }).catch(
    (error: unknown): never => {
      throw errors.userNamespaceFailed(errorMessage(error));
    },
  );
  let isOpen = true;
  return {
    path: made.userPath,
    idMapping,
    network: made.network,
    release: () => {
      if (isOpen) made.close();
      isOpen = false;
    },
  };
}

/** The user namespace that the namespaces a container joins belong to; undefined when it joins none. */
function joinedNamespace(
  parts: Pick<ContainerParts, "snapshots" | "registry">,
  container: Container,
): string | undefined {
  const { NetworkMode, IpcMode, PidMode } = container.document.hostConfig;
  let found: { readonly path: string; readonly identity: string } | undefined;
  for (const [kind, mode] of Object.entries({ network: NetworkMode, IPC: IpcMode, PID: PidMode })) {
    if (mode?.startsWith("container:") !== true) continue;
    const target = joinedContainer(parts.registry, container, kind, mode);
    const path = `/proc/${target.life.pid}/ns/user`;
    const identity = readlinkSync(path);
    const isOther = found !== undefined && found.identity !== identity;
    if (isOther || idMappingOf(parts, target.document.hostConfig) === undefined) {
      throw errors.joinUserNamespace(kind, target.id);
    }
    found = { path, identity };
  }
  return found?.path;
}
