import { join } from "node:path";
import { newId } from "#base";
import { compileIgnoreRules, parseIgnoreFile } from "#formats";
import type { FileDigests } from "../cache/file-digests.ts";
import { readArchiveTree } from "../context/archive-tree.ts";
import { openDirectoryTree } from "../context/directory-tree.ts";
import type { SourceTree } from "../context/tree.ts";
import type { BuildContext, NamedContext } from "../contract.ts";
import { errors } from "../errors.ts";

/** The trees of a build's contexts, each opened when the first step needs it. */
export type Contexts = {
  main(): Promise<SourceTree>;
  named(name: string): Promise<SourceTree>;
  close(): void;
};

/** @param parts.openMain opens the build context, at most once */
export function createContexts(parts: {
  readonly openMain: () => Promise<SourceTree>;
  readonly findNamed: (name: string) => NamedContext | undefined;
  readonly directory: string;
  readonly digests: FileDigests;
  readonly signal: AbortSignal;
}): Contexts {
  const open = new Map<string, Promise<SourceTree>>();
  const trees: SourceTree[] = [];
  const once = (key: string, work: () => Promise<SourceTree>): Promise<SourceTree> => {
    let tree = open.get(key);
    if (tree === undefined) {
      tree = work().then((opened) => {
        trees.push(opened);
        return opened;
      });
      open.set(key, tree);
    }
    return tree;
  };
  return {
    main: () => once("", parts.openMain),
    named: (name) =>
      once(`named ${name}`, async () => {
        const context = parts.findNamed(name);
        if (context?.kind !== "files") throw errors["build-context-invalid"](`there is no build context ${name}`);
        return openFiles(context.context, parts);
      }),
    close: () => {
      for (const tree of trees.splice(0)) tree.close();
    },
  };
}

/**
 * Opens files as they are: no ignore file holds for them.
 * @param directory a folder of the build's, for what has to be kept
 */
export async function openTree(context: BuildContext, directory: string, signal: AbortSignal): Promise<SourceTree> {
  if ("open" in context) return context.open({ paths: undefined, ignore: [] }, signal);
  if ("directory" in context) return openDirectoryTree(context.directory, { user: context.user });
  return readArchiveTree(context, { spoolPath: join(directory, `context-${newId()}`), signal });
}

async function openFiles(
  context: BuildContext,
  parts: { readonly directory: string; readonly digests: FileDigests; readonly signal: AbortSignal },
): Promise<SourceTree> {
  if ("open" in context) {
    const ignore = context.ignore === undefined ? [] : parseIgnoreFile(context.ignore.text);
    return context.open({ paths: undefined, ignore }, parts.signal);
  }
  if (!("directory" in context)) {
    return readArchiveTree(context, { spoolPath: join(parts.directory, `context-${newId()}`), signal: parts.signal });
  }
  const ignored = openDirectoryTree(context.directory, { user: context.user });
  try {
    const rules = readIgnoreRules(ignored);
    return openDirectoryTree(context.directory, { digests: parts.digests, user: context.user, ...rules });
  } finally {
    ignored.close();
  }
}

function readIgnoreRules(tree: SourceTree) {
  const entry = tree.find(".dockerignore");
  if (entry === undefined || entry.type !== "file" || entry.sizeBytes > 1024 * 1024) return {};
  const reader = tree.open(entry);
  try {
    const buffer = Buffer.alloc(entry.sizeBytes);
    const length = reader.read(buffer, 0);
    return { ignore: compileIgnoreRules(parseIgnoreFile(buffer.toString("utf8", 0, length))) };
  } finally {
    reader.close();
  }
}
