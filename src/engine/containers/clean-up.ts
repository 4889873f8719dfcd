import { rmSync } from "node:fs";
import { join } from "node:path";
import { delay, isErrorKind } from "#base";
import { unmountVolumesOf } from "../volumes/volume-mounts.ts";
import type { Container } from "./container.ts";
import { unmountImages } from "./image-mounts.ts";
import { cgroupPath, type ContainerParts } from "./parts.ts";
import { releaseSharedMemory } from "./dev-shm.ts";

const forgetPatienceMs = 2000;
const forgetLookMs = 10;

/** Drops the supervisor's record; it may take a moment to see that what was killed has ended. */
export async function forgetProcess(parts: Pick<ContainerParts, "supervisor">, id: string): Promise<void> {
  const deadline = performance.now() + forgetPatienceMs;
  for (;;) {
    try {
      await parts.supervisor.forget(id);
      return;
    } catch (error) {
      if (!isErrorKind(error, "conflict") || performance.now() > deadline) throw error;
      await delay(forgetLookMs);
    }
  }
}

/** Runtimes whose state of a dead container is one folder under their root. */
const folderRuntimes: ReadonlySet<string> = new Set(["crun", "runc"]);

/** The supervisor does that with its record; a start that a kill interrupted may have left state without a record. */
function dropRuntimeState(parts: Pick<ContainerParts, "runtime">, container: Container): void {
  const runtime = parts.runtime(container.document.hostConfig.Runtime ?? "");
  if (folderRuntimes.has(runtime.name)) rmSync(join(runtime.root, container.id), { recursive: true, force: true });
}

/**
 * Takes down what start set up: runtime state, control group, network, mount, bundle. Every step is idempotent and runs
 * even when an earlier one failed, so it also repairs what a crash left. The first error is thrown at the end.
 */
export async function cleanUpProcess(parts: ContainerParts, container: Container): Promise<void> {
  const failures: unknown[] = [];
  const step = async (work: () => Promise<void> | void) => {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  };
  // The group first: it also ends what a half-made start may have left running in it.
  await step(() => parts.openCgroup(cgroupPath(parts, container)).remove());
  await step(() => forgetProcess(parts, container.id));
  await step(() => dropRuntimeState(parts, container));
  await step(() => parts.network.releaseContainer(container.id));
  await step(() => parts.snapshots.unmount(container.id));
  await step(() => unmountImages(parts, container));
  await step(() => unmountVolumesOf(parts, container));
  if (container.document.hostConfig.IpcMode === "shareable") await step(() => releaseSharedMemory(parts, container.id));
  await step(() => rmSync(join(parts.paths.bundles, container.id), { recursive: true, force: true }));
  if (failures.length > 0) throw failures[0];
}
