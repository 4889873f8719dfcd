import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "#base";
import type { GitReference } from "../copy/git-reference.ts";
import { errors } from "../errors.ts";

/** What git may talk: no local paths, no helpers. */
const protocols = "http:https:git:ssh";

export type GitOptions = {
  readonly signal: AbortSignal;
  /** Further environment: SSH_AUTH_SOCK, credentials. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** A line of progress. */
  readonly progress?: ((line: string) => void) | undefined;
};

/** A repository on disk. */
export type GitCheckout = {
  readonly directory: string;
  readonly commit: string;
};

/**
 * Finds the commit that a reference stands for now, without fetching anything. A full commit hash is taken at its word.
 * Throws when neither the commit nor, of an annotated tag, the tag is what the reference's checksum says.
 */
export async function resolveCheckedCommit(reference: GitReference, options: GitOptions): Promise<string> {
  const { commit, tag } = await resolveGitReference(reference, options);
  const wanted = reference.checksum?.toLowerCase();
  if (wanted !== undefined && !commit.startsWith(wanted) && tag?.startsWith(wanted) !== true) {
    const found = tag === undefined ? commit : `${tag} or ${commit}`;
    throw errors["build-git-checksum"](shown(reference.remote), wanted, found);
  }
  return commit;
}

async function resolveGitReference(
  reference: GitReference,
  options: GitOptions,
): Promise<{ readonly commit: string; /** Of an annotated tag. */ readonly tag: string | undefined }> {
  const { reference: name, remote } = reference;
  if (name !== undefined && /^[0-9a-f]{40}$/.test(name)) return { commit: name, tag: undefined };
  const wanted = name ?? "HEAD";
  const output = await git(["ls-remote", "--", remote, wanted, `${wanted}^{}`], remote, options);
  const rows = output
    .split("\n")
    .map((line) => line.split("\t"))
    .filter((row) => /^[0-9a-f]{40}$/.test(row[0] ?? ""));
  // An annotated tag is followed to its commit; a full name comes before "heads", "heads" before what ends alike.
  const order = [`refs/tags/${wanted}^{}`, `${wanted}^{}`, wanted, `refs/heads/${wanted}`, `refs/tags/${wanted}`];
  for (const candidate of order) {
    const row = rows.find(([, full]) => full === candidate);
    if (row?.[0] === undefined) continue;
    const tag = rows.find(([, full]) => full !== candidate && `${full}^{}` === candidate)?.[0];
    return { commit: row[0], tag };
  }
  if (name !== undefined && /^[0-9a-f]{7,39}$/.test(name)) return { commit: name, tag: undefined };
  throw errors["build-git-failed"](shown(remote), `repository does not contain ref ${wanted}`);
}

/**
 * Checks a commit out into a new directory: only that commit where the server allows it. With `keepGitDirectory` the
 * repository stays beside the files, without it nothing of git is left. Throws `build-git-failed`.
 */
export async function checkOutGit(
  reference: GitReference,
  commit: string,
  directory: string,
  options: GitOptions & { readonly keepGitDirectory: boolean },
): Promise<GitCheckout> {
  const { remote } = reference;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const inside = (...words: string[]) => git(["-C", directory, ...words], remote, options);
  await inside("init", "-q", "--initial-branch=master");
  await inside("remote", "add", "origin", remote);
  const fetched = await fetchCommit(reference, commit, inside);
  await inside("-c", "advice.detachedHead=false", "checkout", "-q", "--force", fetched);
  const found = (await inside("rev-parse", "HEAD")).trim();
  if (!found.startsWith(commit)) {
    throw errors["build-git-failed"](shown(remote), `expected commit ${commit}, got ${found}`);
  }
  if (reference.submodules !== false) await inside("submodule", "update", "--init", "--recursive", "--depth=1", "-q");
  if (!options.keepGitDirectory) rmSync(join(directory, ".git"), { recursive: true, force: true });
  return { directory, commit: found };
}

/** Fetches a commit; what to check out. */
async function fetchCommit(
  reference: GitReference,
  commit: string,
  inside: (...words: string[]) => Promise<string>,
): Promise<string> {
  const wanted = reference.reference ?? "HEAD";
  try {
    await inside("fetch", "-q", "--depth=1", "--no-tags", "origin", wanted);
    const found = (await inside("rev-parse", "FETCH_HEAD^{commit}")).trim();
    if (found.startsWith(commit)) return "FETCH_HEAD";
  } catch {
    // Old servers give no single commits and plain file servers no shallow ones: everything is fetched then.
  }
  await inside("fetch", "-q", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*");
  return commit;
}

/** Runs git with nothing of the daemon's own configuration; returns what it printed. */
async function git(words: readonly string[], remote: string, options: GitOptions): Promise<string> {
  options.signal.throwIfAborted();
  let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  try {
    child = Bun.spawn(["git", ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      signal: options.signal,
      env: {
        PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: "/nonexistent",
        LANG: "C",
        GIT_TERMINAL_PROMPT: "0",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_ALLOW_PROTOCOL: protocols,
        GIT_SSH_COMMAND: "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/null",
        ...options.environment,
      },
    });
  } catch (error) {
    throw errors["build-git-failed"](shown(remote), `git cannot be run: ${errorMessage(error)}`);
  }
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  options.signal.throwIfAborted();
  for (const line of stderr.split("\n")) if (line !== "") options.progress?.(line);
  if (exitCode === 0) return stdout;
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  throw errors["build-git-failed"](shown(remote), reason === "" ? `git ended with ${exitCode}` : reason);
}

/** A remote fit for messages: no password. */
function shown(remote: string): string {
  return remote.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}
