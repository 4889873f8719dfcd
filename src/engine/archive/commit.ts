import { formatRfc3339Nano, nowNanoseconds } from "#base";
import { type ContainerConfig, familiarName, type ImageConfig, parseReference } from "#formats";
import { type Container, hasProcess } from "../containers/container.ts";
import { type ContainerParts, emitContainerEvent } from "../containers/parts.ts";
import { pauseContainer, unpauseContainer } from "../containers/pause.ts";
import type { ArchiveService } from "../contract/index.ts";
import { emitImageEvent } from "../events/image-event.ts";
import { mountPointsOf } from "./mount-points.ts";

type CommitOptions = Parameters<ArchiveService["commit"]>[1];

/** The portable part of a container's config: what an image keeps. */
const portableKeys = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Healthcheck",
  "Volumes",
  "WorkingDir",
  "OnBuild",
  "Labels",
  "StopSignal",
  "Shell",
] as const satisfies readonly (keyof ContainerConfig)[];

function portable(config: ContainerConfig): ContainerConfig {
  return Object.fromEntries(portableKeys.map((key) => [key, config[key]]));
}

/** `commit`: the container's changes as a layer on its image, with its config. The container goes on as it was. */
export async function commitContainer(
  parts: ContainerParts,
  container: Container,
  options: CommitOptions,
): Promise<string> {
  const pauses = options.pause && (await parts.locks.run(container.id, () => pauseIfRunning(parts, container)));
  try {
    const { document } = container;
    const base = parts.catalog.find(document.imageId);
    const directory = await parts.snapshots.changesDirectory(container.id);
    const layer = await parts.layers.copyFrom(directory, { mountPoints: mountPointsOf(container) });
    const created = formatRfc3339Nano(nowNanoseconds());
    const given = options.config === undefined ? document.config : { ...document.config, ...options.config };
    const edited = options.edit === undefined ? given : options.edit(given);
    const config: ImageConfig = {
      architecture: base?.config.architecture ?? (process.arch === "x64" ? "amd64" : process.arch),
      os: base?.config.os ?? "linux",
      ...(base?.config.variant === undefined ? {} : { variant: base.config.variant }),
      created,
      ...(options.author === undefined ? {} : { author: options.author }),
      container: container.id,
      config: portable(edited),
      rootfs: { type: "layers", diff_ids: [...document.diffIds, layer.diffId] },
      history: [
        ...(base?.config.history ?? []),
        {
          created,
          created_by: [document.path, ...document.args].join(" "),
          ...(options.author === undefined ? {} : { author: options.author }),
          ...(options.comment === undefined ? {} : { comment: options.comment }),
        },
      ],
    };
    const image = parts.catalog.add({
      config,
      parentId: base?.id,
      tags: options.reference === undefined ? [] : [options.reference],
    });
    const imageRef = options.reference === undefined ? "" : familiarName(parseReference(options.reference));
    if (imageRef !== "") emitImageEvent(parts.events, "tag", image, imageRef);
    emitContainerEvent(parts, container, "commit", { comment: options.comment ?? "", imageID: image.id, imageRef });
    return image.id;
  } finally {
    if (pauses) await parts.locks.run(container.id, () => unpauseIfPaused(parts, container));
  }
}

/** Whether it was paused: one that has ended meanwhile is still in any case. */
async function pauseIfRunning(parts: ContainerParts, container: Container): Promise<boolean> {
  if (container.life.status !== "running" || !hasProcess(container)) return false;
  await pauseContainer(parts, container);
  return true;
}

/** Its process may have been ending when it was paused, or been killed since. */
async function unpauseIfPaused(parts: ContainerParts, container: Container): Promise<void> {
  if (container.life.status === "paused") await unpauseContainer(parts, container);
}
