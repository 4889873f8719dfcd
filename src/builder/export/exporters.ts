import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newId, nowNanoseconds } from "#base";
import type { EventService } from "#engine";
import type { ImageCatalog, LayerStore } from "#images";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { createReceivedTree } from "../context/received-tree.ts";
import type { SourceTree } from "../context/tree.ts";
import type { BuildExporter, BuildOutcome, BuiltImage, ExportProgress } from "../contract.ts";
import { formatPlatform, formatVersionedPlatform } from "../plan/platform.ts";
import { imageArchive, imageLayout } from "./archive.ts";
import { billOfMaterials } from "./attestations/bill-of-materials.ts";
import { type BuildFacts, type ProvenanceOptions, provenanceStatement } from "./attestations/provenance.ts";
import { type Blob, createBlobStore } from "./blob.ts";
import { type ExportChoice, type ImageName, type ImageOptions, type Output, readOutput } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import { type AttachedStatement, descriptorOf, packImages, type PackedImage } from "./packed-image.ts";
import { rewriteTimes } from "./rewrite-times.ts";
import { joinTrees, timedTree, treeArchive } from "./tree-archive.ts";
import { plainEntry } from "../context/plain-entry.ts";

/** A place of the client's that an output goes to. */
export type ExportDestination = {
  /** Sends one file. `describe` is what the client is told of it before. */
  stream(describe: ReadonlyMap<string, string>, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Sends a tree of files. */
  tree(tree: SourceTree, progress: (bytes: number) => void, signal: AbortSignal): Promise<void>;
  /** Sends an OCI layout to a directory; a client may take the blobs alone and write the index itself. */
  layout(tree: SourceTree, signal: AbortSignal): Promise<void>;
};

/** Pushes an image's blobs and manifests to a registry. */
export type PushImage = (
  name: ImageName,
  image: PackedImage,
  options: { readonly byDigest: boolean; readonly insecure: boolean },
  progress: (id: string, current: number, total: number) => void,
  signal: AbortSignal,
) => Promise<void>;

/** What is said about the images besides themselves. */
export type Attestations = {
  readonly provenance: ProvenanceOptions | undefined;
  readonly billOfMaterials: boolean;
};

/** One output of a build, and where it goes. */
export type ExportRequest = {
  readonly choice: ExportChoice;
  readonly destination: ExportDestination | undefined;
};

/** What belongs to all outputs of one build. */
export type ExportSettings = {
  /** Names given apart from the outputs (`-t`). */
  readonly tags: readonly string[];
  readonly attestations: Attestations;
  readonly facts: () => BuildFacts;
  readonly push: PushImage | undefined;
};

/** Makes a build's outputs. */
export type Exporters = {
  /** Checks every output before anything is built; throws at the first that cannot be made. */
  open(requests: readonly ExportRequest[], settings: ExportSettings): readonly BuildExporter[];
};

/** What exporters are made of. */
export type ExporterParts = {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly events: Pick<EventService, "emit">;
  /** The daemon's data root; what an export needs for a moment is in `<data root>/builds`. */
  readonly dataRoot: string;
  readonly version: string;
};

/** Makes the exporters. */
export function createExporters(parts: ExporterParts): Exporters {
  return {
    open: (requests, settings) =>
      requests.map(({ choice, destination }) => {
        const output = readOutput(choice, settings.tags);
        return exporterOf(parts, output, choice.type, destination, settings);
      }),
  };
}

function exporterOf(
  parts: ExporterParts,
  output: Output,
  type: string,
  destination: ExportDestination | undefined,
  settings: ExportSettings,
): BuildExporter {
  switch (output.kind) {
    case "nothing":
      return { name: "", export: () => Promise.resolve({}) };
    case "image": {
      const { push } = settings;
      if (output.push !== undefined && push === undefined) throw errors["export-push-unsupported"]();
      return {
        name: "exporting to image",
        export: (outcome, progress) => exportImage(parts, output, outcome, progress, settings),
      };
    }
    case "archive":
      if (destination === undefined) throw errors["export-destination"](type);
      return {
        name: output.flavour === "oci" ? "exporting to oci image format" : "exporting to docker image format",
        export: (outcome, progress) => exportArchive(parts, output, destination, outcome, progress, settings),
      };
    case "files":
      if (destination === undefined) throw errors["export-destination"](type);
      return {
        name: output.tar ? "exporting to client tarball" : "exporting to client directory",
        export: (outcome, progress) => exportFiles(parts, output, destination, outcome, progress, settings),
      };
  }
}

/** A folder that is gone when the work is done. */
async function withFolder<T>(dataRoot: string, work: (directory: string) => Promise<T>): Promise<T> {
  const directory = join(dataRoot, "builds", `export-${newId().slice(0, 16)}`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Shows a piece of an export as a line of its vertex. */
async function asStatus<T>(progress: ExportProgress, id: string, work: () => Promise<T>): Promise<T> {
  const started = nowNanoseconds();
  progress.status({ id, current: 0, total: 0, started, completed: undefined });
  const result = await work();
  progress.status({ id, current: 0, total: 0, started, completed: nowNanoseconds() });
  return result;
}

type ImageOutput = Extract<Output, { kind: "image" }>;

async function exportImage(
  parts: ExporterParts,
  output: ImageOutput,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  const [first] = outcome.images;
  if (first === undefined) throw new Error("there is no image to export");
  if (output.store && outcome.images.length > 1 && output.push === undefined) {
    throw errors["export-multi-platform"]("image");
  }
  const images = await timed(parts, output, outcome, progress);
  const [kept = first] = images;
  const exported: Record<string, string> = {
    "containerimage.config.digest": kept.imageId,
    "containerimage.digest": kept.imageId,
    ...(output.names.length === 0 ? {} : { "image.name": output.names.map(({ canonical }) => canonical).join(",") }),
  };
  if (output.store && images.length === 1) {
    await asStatus(progress, `writing image ${kept.imageId}`, async () => {
      parts.catalog.add({
        config: kept.config,
        configBytes: kept.configBytes,
        parentId: kept.base?.id === kept.imageId ? undefined : kept.base?.id,
        tags: output.names.map(({ canonical }) => canonical),
      });
    });
    for (const { familiar, canonical } of output.names) {
      await asStatus(progress, `naming to ${canonical}`, async () => {
        parts.events.emit({
          type: "image",
          action: "tag",
          actor: { id: kept.imageId, attributes: { name: familiar } },
        });
      });
    }
  }
  const { push } = settings;
  if (output.push !== undefined && push !== undefined) {
    const { push: how } = output;
    await withFolder(parts.dataRoot, async (directory) => {
      const { packed, close } = await pack(parts, output, images, outcome, progress, settings, directory);
      try {
        for (const name of output.names) {
          await asStatus(progress, `pushing ${name.familiar}`, () =>
            push(
              name,
              packed,
              how,
              (id, current, total) => progress.status({ id, current, total, started: undefined, completed: undefined }),
              outcome.signal,
            ),
          );
        }
        Object.assign(exported, describePacked(packed));
      } finally {
        close();
      }
    });
  }
  return exported;
}

function describePacked(packed: PackedImage): Readonly<Record<string, string>> {
  return {
    "containerimage.digest": packed.root.digest,
    "containerimage.descriptor": Buffer.from(JSON.stringify(descriptorOf(packed.root))).toString("base64"),
  };
}

/** The images with the times of their layers limited, when that is asked for. */
function timed(
  parts: ExporterParts,
  options: ImageOptions,
  outcome: BuildOutcome,
  progress: ExportProgress,
): Promise<readonly BuiltImage[]> {
  const { sourceDateEpoch } = outcome;
  if (!options.rewriteTimestamp) return Promise.resolve(outcome.images);
  if (sourceDateEpoch === undefined) {
    throw errors["export-option"]("image", "rewrite-timestamp", "SOURCE_DATE_EPOCH is not set for the build");
  }
  return asStatus(progress, "rewriting layers with source-date-epoch", () =>
    Promise.all(outcome.images.map((image) => rewriteTimes(parts.layers, image, sourceDateEpoch, outcome.signal))),
  );
}

async function pack(
  parts: ExporterParts,
  options: ImageOptions,
  images: readonly BuiltImage[],
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
  directory: string,
): Promise<{ readonly packed: PackedImage; readonly close: () => void }> {
  const store = createBlobStore(parts.layers, directory);
  try {
    const packed = await asStatus(progress, "exporting layers", () =>
      packImages(images, options, store, outcome.signal, (image, manifest) =>
        statementsOf(parts, image, manifest, options.names, outcome, settings),
      ),
    );
    await asStatus(progress, `exporting manifest ${packed.root.digest}`, () => Promise.resolve());
    await asStatus(progress, `exporting config ${packed.config.digest}`, () => Promise.resolve());
    return { packed, close: () => store.close() };
  } catch (error) {
    store.close();
    throw error;
  }
}

async function statementsOf(
  parts: ExporterParts,
  image: BuiltImage,
  manifest: BuiltImage["imageId"] | undefined,
  names: readonly ImageName[],
  outcome: BuildOutcome,
  { attestations, facts }: ExportSettings,
): Promise<readonly AttachedStatement[]> {
  const about = { image, manifest, names };
  const epoch = outcome.sourceDateEpoch;
  const now = new Date(epoch === undefined ? Date.now() : epoch * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const statements: AttachedStatement[] = [];
  if (attestations.billOfMaterials) {
    statements.push(
      await outcome.mount(image, (rootfs) =>
        Promise.resolve(billOfMaterials(rootfs, { ...about, createdAt: now, version: parts.version })),
      ),
    );
  }
  if (attestations.provenance !== undefined) {
    statements.push(
      provenanceStatement(attestations.provenance, {
        ...about,
        materials: outcome.materials,
        facts: facts(),
        finishedAt: now,
      }),
    );
  }
  return statements;
}

async function exportArchive(
  parts: ExporterParts,
  output: Extract<Output, { kind: "archive" }>,
  destination: ExportDestination,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  if (output.flavour === "docker" && outcome.images.length > 1) throw errors["export-multi-platform"]("docker");
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

async function exportFiles(
  parts: ExporterParts,
  output: Extract<Output, { kind: "files" }>,
  destination: ExportDestination,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  const split = output.split ?? outcome.images.length > 1;
  const { sourceDateEpoch } = outcome;
  const seconds = sourceDateEpoch ?? Math.floor(Date.now() / 1000);
  const trees: { name: string; tree: SourceTree }[] = [];

  const send = async (): Promise<void> => {
    if (!split)
      refuseCollisions(
        trees.map(({ tree }) => tree),
        outcome.images,
      );
    const joined = joinTrees(trees, seconds);
    const tree = sourceDateEpoch === undefined ? joined : timedTree(joined, sourceDateEpoch);
    if (output.tar) {
      await asStatus(progress, "sending tarball", () =>
        destination.stream(new Map(), treeArchive(tree), outcome.signal),
      );
      return;
    }
    const started = nowNanoseconds();
    let told = 0n;
    let sent = 0;
    const report = (completed: bigint | undefined) =>
      progress.status({ id: "copying files", current: sent, total: 0, started, completed });
    report(undefined);
    await destination.tree(
      tree,
      (bytes) => {
        sent = bytes;
        const now = nowNanoseconds();
        if (now - told < 100_000_000n) return;
        told = now;
        report(undefined);
      },
      outcome.signal,
    );
    report(nowNanoseconds());
  };

  /** Holds the mounts of all images at once. */
  const withImages = async (rest: readonly BuiltImage[]): Promise<void> => {
    const [image, ...others] = rest;
    if (image === undefined) {
      await send();
      return;
    }
    await outcome.mount(image, async (rootfs) => {
      const name = split ? formatVersionedPlatform(image.platform).replaceAll("/", "_") : "";
      const tree = openDirectoryTree(rootfs, { attributes: true });
      trees.push({ name, tree });
      const statements = await filesAbout(parts, image, outcome, settings);
      if (statements.length > 0) trees.push({ name, tree: statementTree(statements, output.prefix, seconds) });
      try {
        await withImages(others);
      } finally {
        tree.close();
      }
    });
  };
  await withImages(outcome.images);
  return {};
}

/** Statements that go along as files. */
function filesAbout(
  parts: ExporterParts,
  image: BuiltImage,
  outcome: BuildOutcome,
  settings: ExportSettings,
): Promise<readonly AttachedStatement[]> {
  const { provenance, billOfMaterials: isListed } = settings.attestations;
  return statementsOf(parts, image, undefined, [], outcome, {
    ...settings,
    attestations: { provenance: provenance?.inlineOnly === true ? undefined : provenance, billOfMaterials: isListed },
  });
}

function statementTree(statements: readonly AttachedStatement[], prefix: string, seconds: number): SourceTree {
  const held = createReceivedTree({ spoolPath: "", memoryBytes: Number.MAX_SAFE_INTEGER });
  for (const { predicateType, statement } of statements) {
    const path = `${prefix}${predicateType.includes("slsa.dev") ? "provenance.json" : "sbom.spdx.json"}`;
    held.add(plainEntry(path, "file", { mode: 0o600, sizeBytes: statement.length, mtimeSeconds: seconds }));
    const writer = held.content(path);
    writer.write(statement);
    writer.end();
  }
  return held.tree;
}

/** Two platforms may not claim one path when they go to one place. */
function refuseCollisions(trees: readonly SourceTree[], images: readonly BuiltImage[]): void {
  if (images.length < 2) return;
  const seen = new Set<string>();
  const look = (tree: SourceTree, path: string): void => {
    for (const entry of tree.list(path)) {
      if (entry.type === "directory") look(tree, entry.path);
      else if (seen.has(entry.path)) {
        throw errors["export-collision"](
          entry.path,
          images.map(({ platform }) => formatPlatform(platform)).join(" and "),
        );
      } else seen.add(entry.path);
    }
  };
  for (const tree of trees) look(tree, "");
}
