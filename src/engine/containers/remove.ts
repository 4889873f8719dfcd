import { rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "#base";
import { errors } from "../errors.ts";
import { volumeUsers } from "../volumes/volume-users.ts";
import { cleanUpProcess } from "./clean-up.ts";
import { type Container, hasProcess } from "./container.ts";
import { removeImageMounts } from "./image-mounts.ts";
import { endsWithin, killPatienceMs, nextExit } from "./waiting.ts";
import { sendSignal } from "./kill.ts";
import { type ContainerParts, emitContainerEvent } from "./parts.ts";
import { cancelRestart } from "./back-off.ts";
import { SIGKILL } from "./signals.ts";

/** `rm`: refuses a running container unless `force`, which kills it first. Removal under way is a conflict. */
export async function removeByUser(
  parts: ContainerParts,
  container: Container,
  options: { readonly force: boolean; readonly volumes: boolean },
): Promise<void> {
  if (container.removing) throw errors.removeInProgress(container.id);
  // In line behind a start or an end that is under way: what comes out of it is what is to be removed.
  const running = await parts.locks.run(container.id, () => beginRemoval(parts, container, options.force));
  try {
    if (running !== undefined) {
      await sendSignal(parts, container, SIGKILL);
      if (!(await endsWithin(running.gone, killPatienceMs))) throw errors.stopTimedOut(container.name);
    }
    await parts.locks.run(container.id, () => removeContainer(parts, container, { volumes: options.volumes }));
  } catch (error) {
    container.removing = false;
    throw error;
  }
}

/** Marks it as being removed; the end to wait for, when it runs. */
function beginRemoval(
  parts: ContainerParts,
  container: Container,
  force: boolean,
): { readonly gone: Promise<unknown> } | undefined {
  if (parts.registry.byId(container.id) !== container) throw errors.containerNotFound(container.id);
  if (container.removing) throw errors.removeInProgress(container.id);
  if (!force) {
    if (container.life.status === "paused") throw errors.removePaused(container.name);
    if (hasProcess(container) || container.life.status === "restarting") throw errors.removeRunning(container.name);
  }
  container.removing = true;
  cancelRestart(parts, container);
  if (!hasProcess(container)) return undefined;
  container.life.manuallyStopped = true;
  return { gone: nextExit(container) };
}

/**
 * Deletes a container that has no process: anonymous volumes (with `volumes`), writable layer, directory, row. The
 * caller holds its lock. Done in an order that a crash can be picked up from: the row goes last.
 */
export async function removeContainer(
  parts: ContainerParts,
  container: Container,
  options: { readonly volumes: boolean },
): Promise<void> {
  if (parts.registry.byId(container.id) !== container) return;
  const { life, document } = container;
  container.removing = true;
  const hadRow = life.status !== "removing";
  life.status = "removing";
  try {
    // An auto-remove container needs no mark: whatever is found of it after a crash is to be removed anyway.
    if (hadRow && document.hostConfig.AutoRemove !== true) parts.registry.saveLife(container);
    await takeApart(parts, container, options);
  } catch (error) {
    // Another `rm` may try again, and so does the next daemon.
    container.removing = false;
    life.status = "dead";
    // Nobody may wait for ever for what has failed.
    const notice = { exitCode: life.exitCode, error: errorMessage(error) };
    for (const waiter of [...container.exitWaiters, ...container.removalWaiters]) waiter(notice);
    throw error;
  }
  emitContainerEvent(parts, container, "destroy");
  const notice = { exitCode: life.exitCode };
  for (const waiter of [...container.exitWaiters, ...container.removalWaiters]) waiter(notice);
}

async function takeApart(
  parts: ContainerParts,
  container: Container,
  options: { readonly volumes: boolean },
): Promise<void> {
  const { document } = container;
  container.stopHealth?.();
  await cleanUpProcess(parts, container);
  await parts.forwardings.drain(container);
  if (options.volumes) {
    for (const mount of document.mounts) {
      if (mount.type !== "volume" || mount.anonymous !== true) continue;
      if (volumeUsers(parts.registry, mount.name).some((user) => user.id !== container.id)) continue;
      try {
        parts.volumes.remove(mount.name);
        parts.events.emit({
          type: "volume",
          action: "destroy",
          actor: { id: mount.name, attributes: { driver: "local" } },
        });
      } catch (error) {
        parts.logger.warn("anonymous volume not removed", { volume: mount.name, error: errorMessage(error) });
      }
    }
  }
  await parts.snapshots.remove(container.id);
  await removeImageMounts(parts, container);
  rmSync(join(parts.paths.containers, container.id), { recursive: true, force: true });
  parts.registry.delete(container);
}
