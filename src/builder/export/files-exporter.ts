import { nowNanoseconds } from "#base";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { plainEntry } from "../context/plain-entry.ts";
import { createReceivedTree } from "../context/received-tree.ts";
import type { SourceTree } from "../context/tree.ts";
import type { BuildExporter, BuildOutcome, BuiltImage, ExportProgress } from "../contract.ts";
import { formatPlatform, formatVersionedPlatform } from "../plan/platform.ts";
import type { Output } from "./choice.ts";
import { exportErrors as errors } from "./errors.ts";
import type { AttachedStatement } from "./packed-image.ts";
import type { ExportDestination, ExporterParts, ExportSettings } from "./settings.ts";
import { statementsOf, tellUnscanned } from "./statements.ts";
import { asStatus } from "./status.ts";
import { joinTrees, timedTree, treeArchive } from "./tree-archive.ts";

type FilesOutput = Extract<Output, { kind: "files" }>;

/** `type=local` and `type=tar`: the image's files. */
export function filesExporter(
  parts: ExporterParts,
  output: FilesOutput,
  destination: ExportDestination,
  settings: ExportSettings,
): BuildExporter {
  return {
    name: output.tar ? "exporting to client tarball" : "exporting to client directory",
    export: (outcome, progress) => exportFiles(parts, output, destination, outcome, progress, settings),
  };
}

async function exportFiles(
  parts: ExporterParts,
  output: FilesOutput,
  destination: ExportDestination,
  outcome: BuildOutcome,
  progress: ExportProgress,
  settings: ExportSettings,
): Promise<Readonly<Record<string, string>>> {
  const split = output.split ?? (settings.multiPlatform === true || outcome.images.length > 1);
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
    await outcome.mount(image, async (rootfs, idMapping) => {
      const name = split ? formatVersionedPlatform(image.platform).replaceAll("/", "_") : "";
      const tree = openDirectoryTree(rootfs, { attributes: true, idMapping });
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
  tellUnscanned(settings, progress);
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
  for (const { predicateType, statement, stage } of statements) {
    const about = stage === undefined ? "" : `-build-${stage}`;
    const path = `${prefix}${predicateType.includes("slsa.dev") ? "provenance.json" : `sbom${about}.spdx.json`}`;
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
