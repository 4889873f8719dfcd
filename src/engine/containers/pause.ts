import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import { cgroupPath, type ContainerParts, emitContainerEvent } from "./parts.ts";

/** `pause`: freezes every process of a container through its control group. The caller holds its lock. */
export async function pauseContainer(parts: ContainerParts, container: Container): Promise<void> {
  if (container.life.status === "restarting") throw errors.restarting(container.id);
  if (container.life.status === "paused") throw errors.alreadyPaused(container.id);
  if (!hasProcess(container)) throw errors.notRunning(container.id);
  await parts.openCgroup(cgroupPath(parts, container)).freeze();
  container.life.status = "paused";
  parts.registry.saveLife(container);
  emitContainerEvent(parts, container, "pause");
}

/** `unpause`: thaws a paused container. The caller holds its lock. */
export async function unpauseContainer(parts: ContainerParts, container: Container): Promise<void> {
  if (container.life.status !== "paused") throw errors.notPaused(container.id);
  await parts.openCgroup(cgroupPath(parts, container)).thaw();
  container.life.status = "running";
  parts.registry.saveLife(container);
  emitContainerEvent(parts, container, "unpause");
}
