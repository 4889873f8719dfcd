import { existsSync, statSync } from "node:fs";
import { compileIgnoreRules, parseIgnoreFile } from "#formats";
import { toByteString } from "#linux";
import type { FileDigests } from "../cache/file-digests.ts";
import { errors } from "../errors.ts";
import type { BuildRequest } from "../contract.ts";
import { readArchiveTree } from "./archive-tree.ts";
import { openDirectoryTree } from "./directory-tree.ts";
import { resolveInTree, type SourceTree } from "./tree.ts";
import { readEntryText } from "./read-entry-text.ts";

/** A context ready to copy from, and the Dockerfile. */
export type OpenContext = {
  readonly dockerfile: { readonly name: string; readonly text: string };
  /** Lines of the ignore file that holds, and its name. */
  readonly ignore: { readonly name: string; readonly patterns: readonly string[] } | undefined;
  /** Opens the files; called once. `paths` is what the build may read of them. */
  tree(paths: readonly string[] | undefined): Promise<SourceTree>;
  /** Closes what was opened to find the Dockerfile and was not handed out. */
  close(): void;
};

/** Nobody writes a longer one; it is held in memory. */
const maximumTextBytes = 16 * 1024 * 1024;
const ignoreName = ".dockerignore";

/**
 * Opens what `request.context` names, as far as the Dockerfile needs. Of a directory the ignore file beside the
 * Dockerfile, or else `.dockerignore`, applies to everything; of an archive the client has applied it already, and it
 * only hides itself and the Dockerfile.
 */
export async function openContext(
  request: BuildRequest,
  options: { readonly spoolPath: string; readonly digests: FileDigests; readonly signal: AbortSignal },
): Promise<OpenContext> {
  const name = request.dockerfile === undefined || request.dockerfile === "" ? "Dockerfile" : request.dockerfile;
  const { context } = request;
  if ("directory" in context) return openDirectory(context, name, request, options.digests);
  if ("open" in context) return openProvided(context, name, request, options.signal);
  const tree = await readArchiveTree(context, options);
  try {
    const found = findDockerfile(tree, name, request.dockerfileText);
    const ignore = request.dockerfileIgnore?.text ?? readText(tree, ignoreName);
    const patterns = ignore === undefined ? undefined : parseIgnoreFile(ignore);
    if (patterns !== undefined) {
      const rules = compileIgnoreRules(patterns);
      for (const path of [ignoreName, found.path])
        if (path !== "" && rules.ignores(path)) tree.remove(toByteString(path));
    }
    return {
      dockerfile: { name: found.name, text: found.text },
      ignore: patterns === undefined ? undefined : { name: ignoreName, patterns },
      tree: async () => tree,
      close: () => {},
    };
  } catch (error) {
    tree.close();
    throw error;
  }
}

/** A context that is fetched when it is needed; at once when the Dockerfile is in it. */
async function openProvided(
  context: Extract<BuildRequest["context"], { open: unknown }>,
  name: string,
  request: BuildRequest,
  signal: AbortSignal,
): Promise<OpenContext> {
  const file = request.dockerfileIgnore ?? context.ignore;
  const ignore = file === undefined ? undefined : { name: file.name, patterns: parseIgnoreFile(file.text) };
  const patterns = ignore?.patterns ?? [];
  if (request.dockerfileText !== undefined) {
    const found = { name, text: checkedText(name, request.dockerfileText) };
    return {
      dockerfile: found,
      ignore,
      tree: (paths) => context.open({ paths, ignore: patterns }, signal),
      close: () => {},
    };
  }
  const tree = await context.open({ paths: undefined, ignore: patterns }, signal);
  let isTaken = false;
  try {
    const found = findDockerfile(tree, name, undefined);
    return {
      dockerfile: { name: found.name, text: found.text },
      ignore,
      tree: async () => {
        isTaken = true;
        return tree;
      },
      close: () => {
        if (!isTaken) tree.close();
      },
    };
  } catch (error) {
    tree.close();
    throw error;
  }
}

function openDirectory(
  { directory, user }: Extract<BuildRequest["context"], { directory: string }>,
  name: string,
  request: BuildRequest,
  digests: FileDigests,
): OpenContext {
  if (!existsSync(directory) || !statSync(directory).isDirectory()) {
    throw errors["build-context-invalid"](`${directory} is no directory`);
  }
  const whole = openDirectoryTree(directory, { user });
  try {
    const found = findDockerfile(whole, name, request.dockerfileText);
    const own = found.path === "" ? undefined : readText(whole, `${found.path}.dockerignore`);
    const file = request.dockerfileIgnore?.name ?? (own === undefined ? ignoreName : `${found.path}.dockerignore`);
    const text = request.dockerfileIgnore?.text ?? own ?? readText(whole, ignoreName);
    const patterns = text === undefined ? undefined : parseIgnoreFile(text);
    const rules = patterns === undefined ? undefined : compileIgnoreRules(patterns, file);
    return {
      dockerfile: { name: found.name, text: found.text },
      ignore: patterns === undefined ? undefined : { name: file, patterns },
      tree: async () =>
        openDirectoryTree(directory, { digests, user, ...(rules === undefined ? {} : { ignore: rules }) }),
      close: () => {},
    };
  } finally {
    whole.close();
  }
}

/** The Dockerfile in a tree; the default name is also found in lower case. `path` is "" when it came with the request. */
function findDockerfile(
  tree: SourceTree,
  name: string,
  text: string | undefined,
): { readonly name: string; readonly path: string; readonly text: string } {
  if (text !== undefined) return { name, path: "", text: checkedText(name, text) };
  for (const candidate of name === "Dockerfile" ? [name, "dockerfile"] : [name]) {
    const found = readText(tree, candidate);
    if (found !== undefined)
      return { name: candidate, path: candidate.replace(/^(?:\.?\/)+/, ""), text: checkedText(candidate, found) };
  }
  throw errors["build-dockerfile-missing"](name);
}

function checkedText(name: string, text: string): string {
  if (text === "") throw errors["build-dockerfile-empty"](name);
  return text;
}

function readText(tree: SourceTree, path: string): string | undefined {
  const entry = resolveInTree(tree, toByteString(path));
  if (entry === undefined || entry.type !== "file") return undefined;
  if (entry.sizeBytes > maximumTextBytes) throw errors["build-context-invalid"](`${path} is too large`);
  return readEntryText(tree, entry);
}
