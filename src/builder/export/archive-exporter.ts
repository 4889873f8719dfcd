import { join } from "node:path";
import { newId } from "#base";
import { plainEntry } from "../context/plain-entry.ts";
import { createReceivedTree } from "../context/received-tree.ts";
import type { BuildExporter, BuildOutcome, ExportProgress } from "../contract.ts";
import { imageArchive, imageLayout } from "./archive.ts";
import type { Blob } from "./blob.ts";
import type { Output } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import { describePacked, pack, timed, withFolder } from "./pack.ts";
import type { ExportDestination, ExporterParts, ExportSettings } from "./settings.ts";
import { asStatus } from "./status.ts";

type ArchiveOutput = Extract<Output, { kind: "archive" }>;

/** `type=docker` and `type=oci`: the image in one file, or as a directory of blobs. */
export function archiveExporter(
  parts: ExporterParts,
  output: ArchiveOutput,
  destination: ExportDestination,
  settings: ExportSettings,
): BuildExporter {
  return {
    name: output.flavour === "oci" ? "exporting to oci image format" : "exporting to docker image format",
    export: (outcome, progress) => exportArchive(parts, output, destination, outcome, progress, settings),
  };
}

async function exportArchive(
  parts: ExporterParts,
  output: ArchiveOutput,
  destination: ExportDestination,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  if (output.flavour === "docker" && (outcome.images.length > 1 || settings.multiPlatform === true))
    throw errors["export-multi-platform"]("docker");
  const images = await timed(parts, output, outcome, progress);
  // A docker-archive is one image; what is said about it has no place there.
  const effective: ExportSettings =
    output.flavour === "docker"
      ? { ...settings, attestations: { provenance: undefined, billOfMaterials: false } }
      : settings;
  return withFolder(parts.dataRoot, async (directory) => {
    const { packed, close } = await pack(parts, output, images, outcome, progress, effective, directory);
    try {
      const docker = output.flavour === "docker";
      const described: Record<string, string> = {
        ...describePacked(packed),
        "containerimage.config.digest": packed.config.digest,
        ...(output.names.length === 0
          ? {}
          : { "image.name": output.names.map(({ canonical }) => canonical).join(",") }),
      };
      const options = { docker, created: images[0]?.config.created };
      await asStatus(progress, "sending tarball", async () => {
        if (output.tar) {
          await destination.stream(
            new Map(Object.entries(described)),
            imageArchive(packed, output.names, options),
            outcome.signal,
          );
          return;
        }
        const held = createReceivedTree({ spoolPath: join(directory, "layout") });
        const tree = await imageLayout(packed, output.names, options, (blob) => hold(held, blob));
        try {
          await destination.layout(tree, outcome.signal);
        } finally {
          held.tree.close();
        }
      });
      return described;
    } finally {
      close();
    }
  });
}

/** Keeps a blob where it can be read from any position. */
async function hold(
  held: ReturnType<typeof createReceivedTree>,
  blob: Blob,
): Promise<(buffer: Uint8Array, position: number) => number> {
  const path = `${blob.digest.replace(":", "-")}-${newId().slice(0, 8)}`;
  held.add(plainEntry(path, "file", { sizeBytes: blob.sizeBytes }));
  const writer = held.content(path);
  for await (const chunk of blob.open()) writer.write(chunk);
  writer.end();
  const entry = held.tree.find(path);
  if (entry === undefined) throw new Error("a blob that was kept is gone");
  const reader = held.tree.open(entry);
  return (buffer, position) => reader.read(buffer, position);
}
