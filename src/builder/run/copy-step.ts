import { join } from "node:path";
import { type Digest, newId } from "#base";
import { hasWildcards } from "#formats";
import { copyKey, selectionKey } from "../cache/keys.ts";
import { openDirectoryTree } from "../context/directory-tree.ts";
import type { SourceTree } from "../context/tree.ts";
import { download } from "../copy/download.ts";
import { memoryTree } from "../copy/memory-tree.ts";
import { digestSelection, excludeRules, selectSource, type Selected } from "../copy/selection.ts";
import { type CopySource, copyInto } from "../copy/write.ts";
import { errors } from "../errors.ts";
import { isUrl } from "../plan/copy-step.ts";
import type { FileOperation } from "../plan/operation.ts";
import type { BuildParts } from "./build-parts.ts";
import { makeLayer, withRootfs } from "./snapshot.ts";

type Copy = Extract<FileOperation, { kind: "copy" }>;

/** A COPY or ADD whose content is known: its key, its text in history, and the way to carry it out on a miss. */
export type PreparedCopy = {
  readonly key: string;
  /** "file:<hex>", "dir:<hex>" or "multi:<hex>". */
  readonly content: string;
  execute(): Promise<Digest | undefined>;
  close(): void;
};

/**
 * Finds and digests what a COPY or ADD copies, and nothing else: of files that were digested before only their status is
 * read, and of layers (immutable) not even that.
 * @param origin layers of the stage or image of `--from`; undefined for the context
 */
export async function prepareCopy(
  parts: BuildParts,
  operation: Copy,
  below: readonly Digest[],
  origin: readonly Digest[] | undefined,
  say: (text: string) => void,
): Promise<PreparedCopy> {
  const undo: (() => void)[] = [];
  const close = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    const extra = await extraSources(parts, operation, say, undo);
    const digests = await Promise.all(extra.map((source) => digestOfSource(source, operation, false)));
    const paths = operation.sources.filter((source) => operation.instruction !== "ADD" || !isUrl(source));
    let fromTree: string | undefined;
    if (paths.length > 0) {
      fromTree =
        origin === undefined
          ? await digestOfSource(selectPaths(parts.context, operation, paths, undefined), operation, false)
          : await digestOfLayers(parts, operation, paths, origin);
    }
    const all = [...(fromTree === undefined ? [] : [fromTree]), ...digests];
    const content = all.length === 1 ? (all[0] ?? "") : `multi:${shortHash(all)}`;
    return {
      key: copyKey(operation, below, all),
      content,
      close,
      execute: () =>
        origin === undefined
          ? writeLayer(parts, operation, below, [
              ...(paths.length === 0 ? [] : [selectPaths(parts.context, operation, paths, undefined)]),
              ...extra,
            ])
          : withTree(parts, origin, (tree) =>
              writeLayer(parts, operation, below, [selectPaths(tree, operation, paths, fromName(operation)), ...extra]),
            ),
    };
  } catch (error) {
    close();
    throw error;
  }
}

function shortHash(texts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(texts.join(",")).digest("hex");
}

function fromName(operation: Copy): string {
  return operation.origin.kind === "stage" ? `stage ${operation.origin.index}` : "the image";
}

function writeLayer(parts: BuildParts, operation: Copy, below: readonly Digest[], sources: readonly CopySource[]) {
  return makeLayer(parts, below, (rootfs) =>
    copyInto(rootfs, sources, {
      instruction: operation.instruction,
      destination: operation.destination,
      owner: operation.owner,
      keepsOwner: operation.origin.kind !== "context",
      mode: operation.mode,
      excludes: excludeRules(operation.excludes),
    }),
  );
}

/** Sources that are no paths: here-documents and downloads. */
async function extraSources(
  parts: BuildParts,
  operation: Copy,
  say: (text: string) => void,
  undo: (() => void)[],
): Promise<CopySource[]> {
  const sources: CopySource[] = [];
  if (operation.files.length > 0) {
    const tree = memoryTree(operation.files);
    sources.push({ tree, selected: operation.files.flatMap((file) => found(tree, file.name)), unpack: false });
  }
  for (const url of operation.sources.filter((source) => operation.instruction === "ADD" && isUrl(source))) {
    const file = await download(url, {
      directory: join(parts.directory, `download-${newId()}`),
      destinationIsFolder: operation.destination.endsWith("/"),
      checksum: operation.checksum,
      caBundle: parts.hostCaBundle,
      signal: parts.signal,
      progress: say,
    });
    undo.push(() => file.close());
    const entry = file.tree.find(file.name);
    const selected = entry === undefined ? [] : [{ entry, name: file.name }];
    // A download is unpacked only when asked to be.
    sources.push({ tree: file.tree, selected, unpack: operation.unpack === true });
  }
  return sources;
}

function found(tree: SourceTree, name: string): readonly Selected[] {
  const selected = selectSource(tree, name.replaceAll(/[*?[\\]/g, "\\$&"));
  return "missing" in selected ? [] : selected;
}

function selectPaths(
  tree: SourceTree,
  operation: Copy,
  paths: readonly string[],
  from: string | undefined,
): CopySource {
  const selected = paths.flatMap((path) => {
    const result = selectSource(tree, path);
    if (!("missing" in result)) return result;
    throw from === undefined
      ? errors["build-copy-source-missing"](operation.instruction, result.missing)
      : errors["build-copy-stage-source-missing"](operation.instruction, result.missing, from);
  });
  if (selected.length === 0 && !paths.every(hasWildcards)) {
    throw errors["build-copy-invalid"](operation.instruction, "no source files were specified");
  }
  return { tree, selected, unpack: operation.unpack ?? operation.instruction === "ADD" };
}

async function digestOfSource(source: CopySource, operation: Copy, keepsOwner: boolean): Promise<string> {
  const excludes = excludeRules(operation.excludes);
  const { kind, hex } = await digestSelection(source.tree, source.selected, { excludes, keepsOwner });
  return `${kind}:${hex}`;
}

async function digestOfLayers(
  parts: BuildParts,
  operation: Copy,
  paths: readonly string[],
  layers: readonly Digest[],
): Promise<string> {
  const keepsOwner = operation.owner === undefined;
  const key = selectionKey(layers, operation, keepsOwner);
  const known = parts.cache.selections.find(key);
  if (known !== undefined) return known;
  const digest = await withTree(parts, layers, (tree) =>
    digestOfSource(selectPaths(tree, operation, paths, fromName(operation)), operation, keepsOwner),
  );
  parts.cache.selections.save(key, digest);
  return digest;
}

function withTree<T>(parts: BuildParts, layers: readonly Digest[], work: (tree: SourceTree) => Promise<T>): Promise<T> {
  return withRootfs(parts, layers, async (rootfs) => {
    const tree = openDirectoryTree(rootfs, { attributes: true });
    try {
      return await work(tree);
    } finally {
      tree.close();
    }
  });
}
