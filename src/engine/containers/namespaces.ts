import type { NamespaceChoice, SpecInput } from "#runtime";
import type { Sandbox } from "#network";
import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import type { ContainerRegistry } from "./registry.ts";

/** The running container that `container:NAME` means, or its error. */
export function joinedContainer(
  registry: ContainerRegistry,
  container: Container,
  kind: string,
  mode: string,
): Container {
  const target = registry.get(mode.slice("container:".length));
  if (target.id === container.id) throw errors.joinSelf(kind);
  if (!hasProcess(target)) throw errors.joinNotRunning(kind, target.id);
  return target;
}

/** Which namespaces a container gets of its own, shares with the host, or joins. */
export function namespacesOf(
  registry: ContainerRegistry,
  container: Container,
  sandbox: Sandbox | undefined,
): SpecInput["namespaces"] {
  const { hostConfig } = container.document;
  const join = (kind: string, file: string, mode: string | null | undefined): NamespaceChoice | undefined => {
    if (mode?.startsWith("container:") !== true) return undefined;
    return { path: `/proc/${joinedContainer(registry, container, kind, mode).life.pid}/ns/${file}` };
  };
  const own = (mode: string | null | undefined): NamespaceChoice => (mode === "host" ? "host" : "private");
  return {
    pid: join("PID", "pid", hostConfig.PidMode) ?? own(hostConfig.PidMode),
    ipc: join("IPC", "ipc", hostConfig.IpcMode) ?? own(hostConfig.IpcMode),
    uts: own(hostConfig.UTSMode),
    network:
      join("network", "net", hostConfig.NetworkMode) ?? (sandbox === undefined ? "host" : { path: sandbox.path }),
    cgroup: own(hostConfig.CgroupnsMode),
  };
}
