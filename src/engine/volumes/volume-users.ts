import type { Container } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";

/** Containers, running or not, that mount a volume. */
export function volumeUsers(registry: Pick<ContainerRegistry, "all">, name: string): readonly Container[] {
  const users: Container[] = [];
  for (const container of registry.all()) {
    if (container.document.mounts.some((mount) => mount.type === "volume" && mount.name === name))
      users.push(container);
  }
  return users;
}
