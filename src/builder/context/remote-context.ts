import { createReadStream, existsSync, openSync, closeSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import { fromByteString } from "#linux";
import type { BuildContext } from "../contract.ts";
import { download } from "../copy/download.ts";
import { isGitContext, parseGitReference } from "../copy/git-reference.ts";
import { errors } from "../errors.ts";
import { SyntaxFault } from "../parse/fault.ts";
import { readArchiveTree } from "./archive-tree.ts";
import { openDirectoryTree } from "./directory-tree.ts";
import { checkOutGit, resolveCheckedCommit } from "./git.ts";

/** How a context from elsewhere is fetched. */
export type RemoteOptions = {
  /** A folder of the build's, which is removed with it. */
  readonly directory: string;
  /** Certificates to trust. @default the host's */
  readonly caBundle?: string | undefined;
  /** Keep `.git` of a repository whose address says nothing of it. @default false */
  readonly keepGitDirectory?: boolean | undefined;
  /** For git over SSH. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
};

/** What was fetched: a directory, an archive, or one file that is the Dockerfile itself. */
export type RemoteFiles =
  | { readonly kind: "directory"; readonly directory: string; readonly source: string }
  | { readonly kind: "archive"; readonly path: string }
  | { readonly kind: "dockerfile"; readonly text: string };

/** True for a context that is fetched from elsewhere: a git repository, or an address of an archive or Dockerfile. */
export function isRemoteContext(text: string): boolean {
  return isGitContext(text) || /^https?:\/\//i.test(text);
}

/** Nobody writes a longer one; it is held in memory. */
const maximumTextBytes = 16 * 1024 * 1024;

/** Fetches a context: checks a repository out, or downloads what is at an address. */
export async function fetchRemoteContext(text: string, options: RemoteOptions): Promise<RemoteFiles> {
  const directory = join(options.directory, `remote-${newId().slice(0, 16)}`);
  if (isGitContext(text)) return fetchGit(text, directory, options);
  const file = await download(text, {
    directory,
    destinationIsFolder: false,
    checksum: undefined,
    caBundle: options.caBundle,
    signal: options.signal,
    progress: options.progress,
  });
  const path = join(directory, fromByteString(file.name));
  if (isArchive(path)) return { kind: "archive", path };
  const content = readFileSync(path);
  if (content.length > maximumTextBytes) throw errors["build-context-invalid"](`${text} is too large for a Dockerfile`);
  return { kind: "dockerfile", text: content.toString("utf8") };
}

async function fetchGit(text: string, directory: string, options: RemoteOptions): Promise<RemoteFiles> {
  let reference: ReturnType<typeof parseGitReference>;
  try {
    reference = parseGitReference(text);
  } catch (error) {
    if (error instanceof SyntaxFault) throw errors["build-context-invalid"](error.message);
    throw error;
  }
  const commit = await resolveCheckedCommit(reference, options);
  const keepGitDirectory = reference.keepGitDirectory ?? options.keepGitDirectory ?? false;
  const checkout = await checkOutGit(reference, commit, directory, { ...options, keepGitDirectory });
  const folder =
    reference.subdirectory === undefined ? checkout.directory : inside(checkout.directory, reference.subdirectory);
  if (folder === undefined) {
    throw errors["build-git-failed"](reference.remote, `subdir ${reference.subdirectory ?? ""} not found`);
  }
  return { kind: "directory", directory: folder, source: `${text}@${checkout.commit}` };
}

/** A folder of a checkout; undefined when it is none, or when a link of the repository leads to it. */
function inside(root: string, path: string): string | undefined {
  const tree = openDirectoryTree(root);
  try {
    return tree.find(path)?.type === "directory" ? join(root, path) : undefined;
  } finally {
    tree.close();
  }
}

/** A remote context under a name: fetched when a step first needs it. */
export function remoteNamedContext(text: string, options: Omit<RemoteOptions, "signal">): BuildContext {
  return {
    open: async (_need, signal) => {
      const files = await fetchRemoteContext(text, { ...options, signal });
      switch (files.kind) {
        case "directory":
          return openDirectoryTree(files.directory);
        case "archive":
          return readArchiveTree(createReadStream(files.path), {
            spoolPath: join(options.directory, `remote-${newId().slice(0, 16)}`),
            signal,
          });
        case "dockerfile":
          throw errors["build-context-invalid"](`${text} is neither an archive nor a repository`);
      }
    },
  };
}

function isArchive(path: string): boolean {
  if (!existsSync(path)) return false;
  const start = Buffer.alloc(512);
  const fd = openSync(path, "r");
  try {
    readSync(fd, start, 0, start.length, 0);
  } finally {
    closeSync(fd);
  }
  return isTarStart(start);
}

/** True for the first bytes of what `POST /build` takes as a context: tar, or gzip, bzip2, xz and zstd around one. */
export function isTarStart(start: Buffer): boolean {
  const hex = start.toString("hex", 0, 6);
  return (
    hex.startsWith("1f8b") ||
    hex.startsWith("425a68") ||
    hex.startsWith("fd377a585a") ||
    hex.startsWith("28b52ffd") ||
    start.toString("latin1", 257, 262) === "ustar"
  );
}
