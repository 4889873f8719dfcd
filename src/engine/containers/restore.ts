import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "#base";
import type { ProcessStatus } from "#supervisor";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { startHealthProbe } from "../health/probe.ts";
import { openLinkedPorts } from "../networks/links.ts";
import { restartsWithDaemon } from "./back-off.ts";
import { cleanUpProcess, forgetProcess } from "./clean-up.ts";
import { sweepBoundSources } from "./bound-sources.ts";
import { type Container, hasProcess } from "./container.ts";
import { handleExit } from "./exit.ts";
import { imageMountIds, snapshotOwner } from "./image-mounts.ts";
import type { ContainerParts } from "./parts.ts";
import { removeContainer } from "./remove.ts";
import { launch } from "./start.ts";
import { lostExit } from "./waiting.ts";

/**
 * Brings the record in line with the kernel after a start of the daemon, or after the supervisor was replaced:
 * running containers are taken over, ends that nobody saw are put on record, half-done removals are finished, and
 * what belongs to no container is cleared away. One object that is broken never keeps the rest from working.
 */
export async function reconcile(parts: ContainerParts, runner: ExecRunner): Promise<void> {
  // What is started after the list was made is missing from it rightly.
  const ran = new Map(
    [...parts.registry.all()].flatMap(({ id, life }) => (life.startedAt === undefined ? [] : [[id, life.startedAt]])),
  );
  const statuses = new Map((await parts.supervisor.list()).map((status) => [status.id, status]));
  for (const container of [...parts.registry.all()]) {
    try {
      await parts.locks.run(container.id, async () => {
        if (parts.registry.byId(container.id) !== container || ran.get(container.id) !== container.life.startedAt)
          return;
        await reconcileOne(parts, runner, container, statuses.get(container.id));
      });
    } catch (error) {
      parts.logger.error("container could not be restored", { container: container.id, error: errorMessage(error) });
    }
  }
}

async function reconcileOne(
  parts: ContainerParts,
  runner: ExecRunner,
  container: Container,
  status: ProcessStatus | undefined,
): Promise<void> {
  const { life, document } = container;
  if (life.status === "removing") {
    // Whether its anonymous volumes were to go too is not on record: data is rather kept.
    await removeContainer(parts, container, { volumes: document.hostConfig.AutoRemove === true });
    return;
  }
  if (status?.exit !== undefined && !hasProcess(container) && BigInt(status.startedAt) === life.startedAt) {
    // Its end is on record; only the supervisor has not heard so.
    await parts.supervisor.forget(container.id);
  } else if (status !== undefined && !hasProcess(container)) {
    // The daemon was killed between the runtime's answer and the row: the container runs, so it is running.
    life.status = "running";
    life.pid = status.pid;
    life.startedAt = BigInt(status.startedAt);
    life.everStarted = true;
    parts.registry.saveLife(container);
  }
  if (hasProcess(container)) {
    if (status === undefined) {
      await handleExit(
        parts,
        runner,
        container,
        lostExit(container.id, "the exit code was lost: the host or the supervisor went down"),
      );
    } else if (status.exit !== undefined) {
      await handleExit(parts, runner, container, status.exit);
    } else {
      life.pid = status.pid;
      if (life.startedAt !== BigInt(status.startedAt)) {
        life.startedAt = BigInt(status.startedAt);
        parts.registry.saveLife(container);
      }
      parts.snapshots.mount(container.id);
      openLinkedPorts(parts, container);
      if (container.stopHealth === undefined) startHealthProbe(parts, runner, container);
    }
    return;
  }
  if (life.status === "created" || life.status === "exited") {
    if (life.everStarted && document.hostConfig.AutoRemove === true) {
      await removeContainer(parts, container, { volumes: true });
    }
  }
}

/** A back-off ends with the daemon that counted it; `restartByPolicy` starts what was in one. */
export function settleRestarts(parts: Pick<ContainerParts, "registry">): void {
  for (const container of parts.registry.all()) {
    if (container.life.status !== "restarting" || container.restartTimer !== undefined) continue;
    container.life.status = "exited";
    parts.registry.saveLife(container);
  }
}

/** Ends processes of the supervisor that belong to nothing any more (build steps of a killed daemon, removed rows). */
export async function endStrays(parts: ContainerParts, isKnown: (id: string) => boolean): Promise<void> {
  for (const status of await parts.supervisor.list()) {
    const owner = status.containerId ?? status.id;
    if (isKnown(owner) || isKnown(status.id)) continue;
    try {
      await endStray(parts, status);
    } catch (error) {
      parts.logger.error("process of no container could not be ended", {
        process: status.id,
        error: errorMessage(error),
      });
    }
  }
}

async function endStray(parts: ContainerParts, status: ProcessStatus): Promise<void> {
  if (status.exit === undefined) {
    await parts.supervisor.signal(status.id, 9).catch(() => {
      // It has ended meanwhile.
    });
  }
  await parts.openCgroup(`${parts.cgroupParent}/${status.id}`).remove();
  await forgetProcess(parts, status.id);
}

/** Removes directories and mounts without a container: what a crash in create or remove left. */
export async function sweepLeftovers(parts: ContainerParts): Promise<void> {
  const live = new Set<string>();
  // One thing that cannot be cleared away never keeps the daemon from serving.
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      parts.logger.error("left-overs could not be removed", { of: what, error: errorMessage(error) });
    }
  };
  for (const container of parts.registry.all()) {
    if (hasProcess(container)) for (const id of [container.id, ...imageMountIds(container)]) live.add(id);
    else await attempt(container.id, () => cleanUpProcess(parts, container));
  }
  await attempt("mounts", () => parts.snapshots.sweep(live));
  await attempt("bound sources", async () => sweepBoundSources(parts));
  for (const id of await parts.snapshots.list()) {
    if (parts.registry.byId(snapshotOwner(id)) === undefined) await attempt(id, () => parts.snapshots.remove(id));
  }
  for (const name of parts.childCgroups(parts.cgroupParent)) {
    if (live.has(name)) continue;
    await attempt(name, () => parts.openCgroup(`${parts.cgroupParent}/${name}`).remove());
  }
  const clear = (directory: string, isOwned: (id: string) => boolean) => {
    for (const id of readdirSync(directory)) {
      if (!isOwned(id)) rmSync(join(directory, id), { recursive: true, force: true });
    }
  };
  clear(parts.paths.containers, (id) => parts.registry.byId(id) !== undefined);
  clear(parts.paths.bundles, (id) => live.has(id));
}

/** Starts what the restart policies want up again after a daemon start. */
export async function restartByPolicy(parts: ContainerParts, runner: ExecRunner): Promise<void> {
  const due = [...parts.registry.all()].filter((container) => !hasProcess(container) && restartsWithDaemon(container));
  await Promise.all(
    due.map((container) =>
      parts.locks
        .run(container.id, async () => {
          // A client may have been quicker.
          if (hasProcess(container) || container.removing || !restartsWithDaemon(container)) return;
          await launch(parts, runner, container, "policy");
        })
        .catch((error: unknown) =>
          parts.logger.warn("restart policy could not start the container", {
            container: container.id,
            error: errorMessage(error),
          }),
        ),
    ),
  );
}
