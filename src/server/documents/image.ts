import { parseRfc3339, ZERO_TIME } from "#base";
import type { ImageHistoryLine, ImageManifestView, ImageRecord } from "#engine";
import type { ContainerConfig, ImageHistoryDocument, ImageInspect, ImageManifestSummary, ImageSummary } from "#formats";
import type { ApiVersion } from "../http/version.ts";
import { configDocument } from "./container-inspect.ts";

/** Unix seconds; 0 when the image does not say. */
export function createdSeconds(created: string | undefined): number {
  const time = created === undefined ? undefined : parseRfc3339(created);
  return time === undefined ? 0 : Number(time / 1_000_000_000n);
}

/** One element of `GET /images/json`; what was not counted is -1. */
export function imageSummary(
  image: ImageRecord,
  version: ApiVersion,
  counted: { readonly containers?: number; readonly sharedBytes?: number } = {},
): ImageSummary {
  const dangling = image.repoTags.length === 0 && image.repoDigests.length === 0 && version < 43;
  const summary: ImageSummary = {
    Id: image.id,
    ParentId: image.parentId ?? "",
    RepoTags: dangling ? ["<none>:<none>"] : [...image.repoTags],
    RepoDigests: dangling ? ["<none>@<none>"] : [...image.repoDigests],
    Created: createdSeconds(image.config.created),
    Size: image.sizeBytes,
    SharedSize: counted.sharedBytes ?? -1,
    Labels: image.config.config?.Labels ?? null,
    Containers: counted.containers ?? -1,
  };
  if (version < 44) summary.VirtualSize = image.sizeBytes;
  return summary;
}

/** Fields of a container's config that an image's config showed, always empty, below 1.50. */
const containerOnlyFields = [
  "Hostname",
  "Domainname",
  "AttachStdin",
  "AttachStdout",
  "AttachStderr",
  "Tty",
  "OpenStdin",
  "StdinOnce",
  "Image",
] as const;

function imageConfigDocument(config: ContainerConfig, version: ApiVersion): ContainerConfig {
  const document = { ...configDocument(config), Labels: config.Labels ?? null };
  if (version >= 50) for (const field of containerOnlyFields) delete document[field];
  return document;
}

/** The answer of `GET /images/{name}/json`. */
export function imageInspect(
  image: ImageRecord,
  storage: { readonly driver: string; readonly directories: Readonly<Record<string, string>> | undefined },
  version: ApiVersion,
): ImageInspect {
  const { config } = image;
  const document: ImageInspect = {
    Id: image.id,
    RepoTags: [...image.repoTags],
    RepoDigests: [...image.repoDigests],
    Parent: image.parentId ?? "",
    Comment: config.history?.at(-1)?.comment ?? "",
    DockerVersion: config.docker_version ?? "",
    Author: config.author ?? "",
    Config: imageConfigDocument(config.config ?? {}, version),
    Architecture: config.architecture,
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: { Name: storage.driver, Data: storage.directories ?? null },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: image.lastTaggedMs === 0 ? ZERO_TIME : new Date(image.lastTaggedMs).toISOString() },
  };
  if (config.created !== undefined) document.Created = config.created;
  else if (version < 44) document.Created = ZERO_TIME;
  if (config.variant !== undefined) document.Variant = config.variant;
  if (config["os.version"] !== undefined) document.OsVersion = config["os.version"];
  if (version < 44) document.VirtualSize = image.sizeBytes;
  if (version < 45) {
    document.Container = config.container ?? "";
    document.ContainerConfig = configDocument(config.container_config ?? {});
  }
  return document;
}

/** One element of `Manifests`, in a summary or an inspection. */
export function manifestSummary(view: ImageManifestView, containers: readonly string[]): ImageManifestSummary {
  const { descriptor, image, contentBytes } = view;
  const unpackedBytes = image?.sizeBytes ?? 0;
  return {
    ID: descriptor.digest,
    Descriptor: descriptor,
    Available: image !== undefined,
    Size: { Content: contentBytes, Total: contentBytes + unpackedBytes },
    Kind: view.kind,
    ...(view.kind === "image"
      ? { ImageData: { Platform: view.platform, Containers: containers, Size: { Unpacked: unpackedBytes } } }
      : {}),
    ...(view.kind === "attestation" ? { AttestationData: { For: view.of } } : {}),
  };
}

/** One line of `docker history`. */
export function historyDocument(line: ImageHistoryLine): ImageHistoryDocument {
  return {
    Id: line.id === "" ? "<missing>" : line.id,
    Created: createdSeconds(line.created),
    CreatedBy: line.created_by ?? "",
    Tags: line.tags.length === 0 ? null : line.tags,
    Size: line.sizeBytes,
    Comment: line.comment ?? "",
  };
}
