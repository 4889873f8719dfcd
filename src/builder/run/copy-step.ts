import { join } from "node:path";
import { type Digest, newId } from "#base";
import { hasWildcards } from "#formats";
import { copyKey, selectionKey } from "../cache/keys.ts";
import { shortDigest } from "../cache/reasons.ts";
import { checkOutGit, resolveCheckedCommit } from "../context/git.ts";
import { openDirectoryTree } from "../context/directory-tree.ts";
import { resolveInTree, type SourceTree } from "../context/tree.ts";
import { download, isStillValid, type Validator } from "../copy/download.ts";
import { isGitSource, parseGitReference } from "../copy/git-reference.ts";
import { memoryTree } from "../copy/memory-tree.ts";
import { parentsTrees } from "../copy/parents.ts";
import { digestSelection, excludeRules, selectSource, type Selected } from "../copy/selection.ts";
import { copyInto, type CopyOptions, type CopySource } from "../copy/write.ts";
import { errors } from "../errors.ts";
import { isUrl } from "../plan/copy-step.ts";
import type { CopyOperation } from "../plan/operation.ts";
import { toByteString } from "#linux";
import { sourceMissing } from "../source-missing.ts";
import type { BuildParts } from "./build-parts.ts";
import { layersOf, originName, type StageResults } from "./layers-of.ts";
import { makeLayer, withRootfs } from "./snapshot.ts";
import { clampTimes } from "./times.ts";

/** A COPY or ADD whose content is known: its key, its text in history, and the way to carry it out on a miss. */
export type PreparedCopy = {
  readonly key: string;
  /** "file:<hex>", "dir:<hex>" or "multi:<hex>". */
  readonly content: string;
  /** What was copied by name, for the reasons of a miss. */
  readonly files: ReadonlyMap<string, string>;
  execute(): Promise<Digest | undefined>;
  close(): void;
};

/** Sources that are no paths: their digests are known before their files need be here. */
type ExtraSource = { readonly digest: string; readonly open: () => Promise<CopySource> };

/**
 * Finds and digests what a COPY or ADD copies, and nothing else: of files that were digested before only their status is
 * read, and of layers (immutable) not even that.
 * @param say gets lines of progress of downloads
 */
export async function prepareCopy(
  parts: BuildParts,
  operation: CopyOperation,
  below: readonly Digest[],
  others: StageResults,
  say: (text: string) => void,
): Promise<PreparedCopy> {
  const undo: (() => void)[] = [];
  const close = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  try {
    const files = new Map<string, string>();
    const extra = await extraSources(parts, operation, say, undo);
    for (const [index, source] of extra.entries()) files.set(`source ${index + 1}`, shortDigest(source.digest));
    const paths = operation.sources.filter((source) => !isRemote(operation, source));
    const layers = layersOf(operation.origin, others);
    const trees = async () =>
      operation.origin.kind === "named" ? parts.contexts.named(operation.origin.name) : parts.contexts.main();
    let fromTree: string | undefined;
    if (paths.length > 0) {
      fromTree =
        layers === undefined
          ? await digestOfSources(await selectPaths(parts, await trees(), operation, paths), operation, false, files)
          : await digestOfLayers(parts, operation, paths, layers, files);
    }
    const all = [...(fromTree === undefined ? [] : [fromTree]), ...extra.map((source) => source.digest)];
    const content = all.length === 1 ? (all[0] ?? "") : `multi:${shortHash(all)}`;
    const write = async (tree: SourceTree | undefined) => {
      const opened: CopySource[] = [];
      for (const source of extra) opened.push(await source.open());
      const selected = tree === undefined ? [] : await selectPaths(parts, tree, operation, paths);
      return writeLayer(parts, operation, below, [...selected, ...opened]);
    };
    return {
      key: copyKey(operation, operation.link ? [] : below, all, parts.dialect),
      content,
      files,
      close,
      execute: async () => {
        if (paths.length === 0) return write(undefined);
        return layers === undefined ? write(await trees()) : withTree(parts, layers, write);
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

function isRemote(operation: CopyOperation, source: string): boolean {
  return operation.instruction === "ADD" && (isUrl(source) || isGitSource(source));
}

function shortHash(texts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(texts.join(",")).digest("hex");
}

function writeLayer(
  parts: BuildParts,
  operation: CopyOperation,
  below: readonly Digest[],
  sources: readonly CopySource[],
): Promise<Digest | undefined> {
  const options: CopyOptions = {
    instruction: operation.instruction,
    destination: operation.destination,
    owner: operation.owner,
    keepsOwner: operation.origin.kind === "stage" || operation.origin.kind === "image",
    mode: operation.mode,
    excludes: excludeRules(operation.excludes),
    epoch: operation.epoch,
    isLenient: parts.dialect === "buildkit",
    idMapping: parts.snapshots.idMapping,
  };
  const { snapshots } = parts;
  const write = (rootfs: string, id: string) =>
    copyInto(
      rootfs,
      sources,
      options,
      snapshots.name !== "overlay2"
        ? undefined
        : () => {
            snapshots.unmount(id);
            return snapshots.changesDirectory(id);
          },
    );
  // With --link the layer knows nothing of those below it.
  return makeLayer(parts, operation.link ? [] : below, write, (changes) => {
    if (operation.epoch !== undefined) clampTimes(changes, operation.epoch);
  });
}

/** Here-documents, downloads and repositories. */
async function extraSources(
  parts: BuildParts,
  operation: CopyOperation,
  say: (text: string) => void,
  undo: (() => void)[],
): Promise<ExtraSource[]> {
  const sources: ExtraSource[] = [];
  for (const source of operation.sources.filter((candidate) => isRemote(operation, candidate))) {
    sources.push(
      isGitSource(source)
        ? await gitSource(parts, operation, source, say, undo)
        : await urlSource(parts, operation, source, say, undo),
    );
  }
  if (operation.files.length > 0) {
    const tree = memoryTree(operation.files);
    const selected = operation.files.flatMap((file) => found(tree, file.name));
    const source: CopySource = { tree, selected, unpack: false };
    sources.push({ digest: await digestOfSources([source], operation, false), open: async () => source });
  }
  return sources;
}

async function urlSource(
  parts: BuildParts,
  operation: CopyOperation,
  url: string,
  say: (text: string) => void,
  undo: (() => void)[],
): Promise<ExtraSource> {
  const known = `url ${url} ${operation.checksum ?? ""} ${operation.destination.endsWith("/")}`;
  const authorization = await urlAuthorization(parts, url);
  const reach = { caBundle: parts.hostCaBundle, signal: parts.signal, authorization };
  let validator: Validator | undefined;
  const fetchIt = async (): Promise<CopySource> => {
    const file = await download(url, {
      ...reach,
      directory: join(parts.directory, `download-${newId()}`),
      destinationIsFolder: operation.destination.endsWith("/"),
      needsName: parts.dialect !== "buildkit",
      checksum: operation.checksum,
      progress: say,
    });
    undo.push(() => file.close());
    ({ validator } = file);
    const entry = file.tree.find(file.name);
    const selected = entry === undefined ? [] : [{ entry, name: file.name }];
    // A download is unpacked only when asked to be.
    return { tree: file.tree, selected, unpack: operation.unpack === true };
  };
  const earlier = parseRemembered(parts.cache.selections.find(known));
  // A checksum makes the URL immutable; otherwise the server must say that nothing changed.
  const isSame =
    earlier !== undefined && (operation.checksum !== undefined || (await isStillValid(url, earlier.validator, reach)));
  if (isSame) return { digest: earlier.digest, open: fetchIt };
  const source = await fetchIt();
  const digest = `${await digestOfSources([source], operation, false)}:${source.selected[0]?.entry.mtimeSeconds ?? 0}`;
  if (operation.checksum !== undefined || validator?.etag !== undefined) {
    parts.cache.selections.save(known, JSON.stringify({ digest, validator: validator ?? {} }));
  }
  return { digest, open: async () => source };
}

type RememberedUrl = { readonly digest: string; readonly validator: Validator };

function parseRemembered(text: string | undefined): RememberedUrl | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as RememberedUrl);
}

/** The secrets HTTP_AUTH_HEADER_<host> and HTTP_AUTH_TOKEN_<host>; no part of any key. */
async function urlAuthorization(parts: BuildParts, url: string): Promise<string | undefined> {
  const { secrets } = parts.request;
  const host = URL.parse(url)?.host;
  if (secrets === undefined || host === undefined) return undefined;
  const header = await secrets.read(`HTTP_AUTH_HEADER_${host}`, parts.signal);
  if (header !== undefined) return Buffer.from(header).toString("utf8").trim();
  const token = await secrets.read(`HTTP_AUTH_TOKEN_${host}`, parts.signal);
  return token === undefined ? undefined : `Bearer ${Buffer.from(token).toString("utf8").trim()}`;
}

async function gitSource(
  parts: BuildParts,
  operation: CopyOperation,
  source: string,
  say: (text: string) => void,
  undo: (() => void)[],
): Promise<ExtraSource> {
  const parsed = parseGitReference(source);
  if (
    parsed.keepGitDirectory !== undefined &&
    operation.keepGitDirectory !== undefined &&
    parsed.keepGitDirectory !== operation.keepGitDirectory
  ) {
    throw errors["build-copy-invalid"]("ADD", "inconsistent keep-git-dir configuration");
  }
  if (parsed.checksum !== undefined && operation.checksum !== undefined && parsed.checksum !== operation.checksum) {
    throw errors["build-copy-invalid"]("ADD", `checksum mismatch "${operation.checksum}" != "${parsed.checksum}"`);
  }
  const reference = { ...parsed, checksum: operation.checksum ?? parsed.checksum };
  const keepGitDirectory = operation.keepGitDirectory ?? parsed.keepGitDirectory ?? false;
  const options = { signal: parts.signal, progress: (line: string) => say(`${line}\n`) };
  const commit = await resolveCheckedCommit(reference, options);
  const digest = `git:${shortHash([reference.remote, commit, reference.subdirectory ?? "", String(keepGitDirectory)])}`;
  return {
    digest,
    open: async () => {
      const directory = join(parts.directory, `git-${newId().slice(0, 16)}`);
      const checkout = await checkOutGit(reference, commit, directory, { ...options, keepGitDirectory });
      const tree = openDirectoryTree(checkout.directory);
      undo.push(() => tree.close());
      const entry = resolveInTree(tree, toByteString(reference.subdirectory ?? ""));
      if (entry?.type !== "directory") {
        throw errors["build-git-failed"](reference.remote, `subdir ${reference.subdirectory ?? ""} not found`);
      }
      return { tree, selected: [{ entry, name: "" }], unpack: false };
    },
  };
}

function found(tree: SourceTree, name: string): readonly Selected[] {
  const selected = selectSource(tree, name.replaceAll(/[*?[\\]/g, "\\$&"));
  return "missing" in selected ? [] : selected;
}

/** The files that paths select; with --parents one source for each, as each is a tree of its own. */
async function selectPaths(
  parts: BuildParts,
  tree: SourceTree,
  operation: CopyOperation,
  paths: readonly string[],
): Promise<CopySource[]> {
  const unpack = operation.unpack ?? operation.instruction === "ADD";
  const missing = (path: string) => missingSource(parts, operation, path);
  if (operation.parents) {
    return paths.flatMap((path) => {
      const trees = parentsTrees(tree, path);
      if ("missing" in trees) throw missing(trees.missing);
      return trees.map((filtered) => {
        const entry = filtered.find("");
        return { tree: filtered, selected: entry === undefined ? [] : [{ entry, name: "" }], unpack: false };
      });
    });
  }
  const selected = paths.flatMap((path) => {
    const result = selectSource(tree, path);
    if ("missing" in result) throw missing(result.missing);
    return result;
  });
  if (selected.length === 0 && !paths.every(hasWildcards)) {
    throw errors["build-copy-invalid"](operation.instruction, "no source files were specified");
  }
  return [{ tree, selected, unpack }];
}

function missingSource(parts: BuildParts, operation: CopyOperation, path: string): Error {
  const { origin, instruction } = operation;
  const isContext = origin.kind === "context" || origin.kind === "named";
  if (parts.dialect === "buildkit") {
    const where = originName(origin);
    const hint = isContext
      ? `${path} is not in ${where}, or its ignore file leaves it out.`
      : `There is no such file in ${where}.`;
    return sourceMissing(`/${path.replace(/^\/+/, "")}`, hint);
  }
  return isContext
    ? errors["build-copy-source-missing"](instruction, path)
    : errors["build-copy-stage-source-missing"](instruction, path, originName(origin));
}

async function digestOfSources(
  sources: readonly CopySource[],
  operation: CopyOperation,
  keepsOwner: boolean,
  files?: Map<string, string>,
): Promise<string> {
  const excludes = excludeRules(operation.excludes);
  const digests: string[] = [];
  for (const source of sources) {
    const { kind, hex } = await digestSelection(source.tree, source.selected, { excludes, keepsOwner, files });
    digests.push(`${kind}:${hex}`);
  }
  return digests.length === 1 ? (digests[0] ?? "") : `multi:${shortHash(digests)}`;
}

async function digestOfLayers(
  parts: BuildParts,
  operation: CopyOperation,
  paths: readonly string[],
  layers: readonly Digest[],
  files: Map<string, string>,
): Promise<string> {
  const keepsOwner = operation.owner === undefined;
  const key = selectionKey(layers, operation, keepsOwner);
  const known = parts.cache.selections.find(key);
  if (known !== undefined) {
    files.set(`what is copied from ${originName(operation.origin)}`, shortDigest(known));
    return known;
  }
  const digest = await withTree(parts, layers, async (tree) =>
    digestOfSources(await selectPaths(parts, tree, operation, paths), operation, keepsOwner),
  );
  parts.cache.selections.save(key, digest);
  files.set(`what is copied from ${originName(operation.origin)}`, shortDigest(digest));
  return digest;
}

function withTree<T>(parts: BuildParts, layers: readonly Digest[], work: (tree: SourceTree) => Promise<T>): Promise<T> {
  return withRootfs(parts, layers, async (rootfs) => {
    const tree = openDirectoryTree(rootfs, { attributes: true, idMapping: parts.snapshots.idMapping });
    try {
      return await work(tree);
    } finally {
      tree.close();
    }
  });
}
