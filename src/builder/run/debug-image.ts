import type { Digest } from "#base";
import type { ImageConfig } from "#formats";
import type { BuildFailure } from "../contract.ts";
import type { OpenMounts } from "../mounts/prepare.ts";
import type { RunOperation } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { configBytes, timeOfNow } from "./image-state.ts";

/**
 * Makes an untagged image of a root file system as a failed command left it, so that a shell can be opened in it. It is
 * an image like any other: `image prune` removes it.
 */
export async function keepFailedState(
  parts: BuildParts,
  operation: RunOperation,
  step: { readonly snapshotId: string; readonly open: OpenMounts; readonly below: readonly Digest[] },
): Promise<BuildFailure["debugImage"]> {
  const { diffId } = await parts.layers.copyFrom(await parts.snapshots.changesDirectory(step.snapshotId));
  parts.lease.add(diffId);
  const environment = operation.environment;
  const config: ImageConfig = {
    os: "linux",
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    created: timeOfNow(),
    config: {
      Env: [...environment],
      WorkingDir: operation.directory,
      User: operation.user,
      Cmd: ["/bin/sh"],
      Labels: { "berth.build.failed-step": operation.command.slice(0, 200) },
    },
    rootfs: { type: "layers", diff_ids: [...step.below, diffId] },
    history: [],
  };
  const image = parts.catalog.add({ config, configBytes: configBytes(config) });
  return {
    id: image.id,
    environment,
    directory: operation.directory,
    user: operation.user,
    mounts: step.open.caches,
  };
}
