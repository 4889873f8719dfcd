import { errorMessage } from "#base";
import type { ProcessExit } from "#supervisor";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { emitEndpointEvents } from "../networks/network-events.ts";
import { placesOf } from "../networks/places.ts";
import { emitVolumeEvents } from "../volumes/volume-events.ts";
import { cleanUpProcess } from "./clean-up.ts";
import { type Container, hasProcess } from "./container.ts";
import { cgroupPath, type ContainerParts, emitContainerEvent } from "./parts.ts";
import { removeContainer } from "./remove.ts";
import { shouldRestart } from "./back-off.ts";
import { scheduleRestart } from "./restart-policy.ts";

/**
 * Puts a container's end on record: exit code, OOM kill, clean-up, `die` event, waiters; then the restart policy or
 * auto-remove. The caller holds the container's lock. A second notice for the same run does nothing.
 */
export async function handleExit(
  parts: ContainerParts,
  runner: ExecRunner,
  container: Container,
  exit: ProcessExit,
): Promise<void> {
  const { life, document } = container;
  if (!hasProcess(container)) {
    await parts.supervisor.forget(container.id);
    return;
  }
  // Of a run before this one, told twice because the supervisor was replaced.
  if (exit.startedAt !== undefined && BigInt(exit.startedAt) < (life.startedAt ?? 0n)) return;
  container.stopHealth?.();
  container.stopHealth = undefined;
  parts.forwardings.end(container.id);
  life.oomKilled = wasOomKilled(parts, container);
  life.exitCode = exit.exitCode;
  life.error = exit.lost ?? "";
  life.finishedAt = BigInt(exit.exitedAt);
  life.pid = 0;
  const ranMs = Number((life.finishedAt - (life.startedAt ?? life.finishedAt)) / 1_000_000n);
  const restarts = !life.manuallyRestarting && shouldRestart(container);
  const removes = document.hostConfig.AutoRemove === true && !restarts && !life.manuallyRestarting;
  life.status = restarts ? "restarting" : "exited";
  // An auto-remove container is gone in a moment; if a crash comes first, the supervisor still has the exit.
  if (!removes) saveOrRetry(parts, container);

  emitEndpointEvents(parts, "disconnect", container.id, placesOf(parts.network, container));
  emitVolumeEvents(parts, "unmount", container);
  if (life.oomKilled) emitContainerEvent(parts, container, "oom");
  emitContainerEvent(parts, container, "die", {
    exitCode: String(life.exitCode),
    execDuration: String(Math.trunc(ranMs / 1000)),
  });
  await cleanUpProcess(parts, container).catch((error: unknown) =>
    parts.logger.error("clean-up after exit", { container: container.id, error: errorMessage(error) }),
  );
  for (const waiter of [...container.exitWaiters]) waiter({ exitCode: life.exitCode, error: exit.lost });
  if (restarts) scheduleRestart(parts, runner, container, ranMs);
  else if (removes) await removeContainer(parts, container, { volumes: true });
}

const saveRetryMs = 5000;

/** An end must take its course although the disk is full: the row follows as soon as it can be written. */
function saveOrRetry(parts: ContainerParts, container: Container): void {
  try {
    parts.registry.saveLife(container);
  } catch (error) {
    parts.logger.error("container's end cannot be written", { container: container.id, error: errorMessage(error) });
    setTimeout(() => {
      if (parts.registry.byId(container.id) === container) saveOrRetry(parts, container);
    }, saveRetryMs).unref();
  }
}

function wasOomKilled(parts: ContainerParts, container: Container): boolean {
  try {
    return parts.openCgroup(cgroupPath(parts, container)).oomKills() > 0;
  } catch {
    // The group is gone (the host was rebooted): nobody knows any more.
    return false;
  }
}
