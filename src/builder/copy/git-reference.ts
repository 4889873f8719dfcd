import { SyntaxFault } from "../parse/fault.ts";

/** A git repository as ADD and contexts name it. */
export type GitReference = {
  /** What git is told to fetch from. */
  readonly remote: string;
  /** Branch, tag or commit; undefined for the remote's HEAD. */
  readonly reference: string | undefined;
  /** A folder of the repository; undefined for all of it. */
  readonly subdirectory: string | undefined;
  /** The commit it must be, or the beginning of its hash. */
  readonly checksum: string | undefined;
  readonly keepGitDirectory: boolean | undefined;
  readonly submodules: boolean | undefined;
  /** The times that files get: that of the checkout or of the commit. */
  readonly mtime: "checkout" | "commit";
  readonly fetchByCommit: boolean;
};

const scpForm = /^(?:[A-Za-z0-9_.-]+)@[A-Za-z0-9.-]+:(?!\/\/)/;

/** True for what ADD clones: git://, ssh://, git@host:path and http(s) URLs of a `.git`. */
export function isGitSource(source: string): boolean {
  if (/^(?:git|ssh|git\+ssh):\/\//i.test(source) || scpForm.test(source)) return true;
  if (!/^https?:\/\//i.test(source)) return false;
  return (source.split(/[?#]/, 1)[0] ?? "").endsWith(".git");
}

/** True for what a build context may be: as `isGitSource`, and `github.com/…` without a scheme. */
export function isGitContext(text: string): boolean {
  return isGitSource(text) || text.startsWith("github.com/");
}

/**
 * Reads `remote[#ref[:subdir]]` and `remote?ref=…&subdir=…`. Throws `SyntaxFault` for unknown, repeated and contradicting
 * parts.
 */
export function parseGitReference(text: string): GitReference {
  const hashAt = text.indexOf("#");
  const fragment = hashAt === -1 ? "" : text.slice(hashAt + 1);
  const beforeHash = hashAt === -1 ? text : text.slice(0, hashAt);
  const queryAt = beforeHash.indexOf("?");
  const remote = queryAt === -1 ? beforeHash : beforeHash.slice(0, queryAt);
  const query = readQuery(queryAt === -1 ? "" : beforeHash.slice(queryAt + 1));
  const colon = fragment.indexOf(":");
  const fragmentReference = (colon === -1 ? fragment : fragment.slice(0, colon)) || undefined;
  const fragmentFolder = (colon === -1 ? "" : fragment.slice(colon + 1)) || undefined;
  const one = (what: string, ...values: readonly (string | undefined)[]) => {
    const found = values.filter((value) => value !== undefined);
    if (new Set(found).size > 1) throw new SyntaxFault(`${what} conflicts: ${found.join(", ")} in ${text}`);
    return found[0];
  };
  if (query.has("tag") && query.has("branch")) throw new SyntaxFault(`branch conflicts with tag in ${text}`);
  const mtime = query.get("mtime") ?? "checkout";
  if (mtime !== "checkout" && mtime !== "commit")
    throw new SyntaxFault(`invalid mtime value: ${JSON.stringify(mtime)}`);
  const named = [
    query.get("ref"),
    prefixed("refs/tags/", query.get("tag")),
    prefixed("refs/heads/", query.get("branch")),
  ];
  if (
    named.filter((value) => value !== undefined).length > 1 ||
    (named.some(Boolean) && fragmentReference !== undefined)
  ) {
    throw new SyntaxFault(`ref conflicts: only one of #ref, ref, tag and branch can be used in ${text}`);
  }
  const subdirectory = one("subdir", query.get("subdir"), fragmentFolder)?.replace(/^\/+|\/+$/g, "");
  if (subdirectory?.split("/").includes("..") === true)
    throw new SyntaxFault(`invalid subdir ${subdirectory} in ${text}`);
  const reference = one("ref", ...named, fragmentReference);
  if (reference !== undefined && /^-|[\s\0]|\.\./.test(reference)) throw new SyntaxFault(`invalid ref ${reference}`);
  return {
    remote: remote.startsWith("github.com/") ? `https://${remote}` : remote,
    reference,
    subdirectory: subdirectory === "" || subdirectory === "." ? undefined : subdirectory,
    checksum: one("checksum", query.get("checksum"), query.get("commit")),
    keepGitDirectory: readBoolean(query, "keep-git-dir"),
    submodules: readBoolean(query, "submodules"),
    mtime,
    fetchByCommit: readBoolean(query, "fetch-by-commit") ?? false,
  };
}

const known = [
  "ref",
  "tag",
  "branch",
  "subdir",
  "checksum",
  "commit",
  "keep-git-dir",
  "submodules",
  "mtime",
  "fetch-by-commit",
];

function readQuery(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(text)) {
    if (!known.includes(key)) throw new SyntaxFault(`unexpected query ${JSON.stringify(key)} in a git URL`);
    if (found.has(key)) throw new SyntaxFault(`query ${JSON.stringify(key)} is given twice in a git URL`);
    found.set(key, value);
  }
  return found;
}

function prefixed(prefix: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : prefix + value;
}

function readBoolean(query: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const value = query.get(key);
  if (value === undefined) return undefined;
  if (value === "" || value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new SyntaxFault(`invalid ${key} value: ${JSON.stringify(value)}`);
}
