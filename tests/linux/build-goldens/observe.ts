import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a directory: path → type, mode, owner and contents. No times. */
export function observeTree(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string) => {
    for (const name of readdirSync(join(root, path)).sort()) {
      const child = `${path}/${name}`;
      const status = lstatSync(join(root, child));
      const owner = `${(status.mode & 0o7777).toString(8)} ${status.uid}:${status.gid}`;
      if (status.isDirectory()) {
        found[child] = `d ${owner}`;
        walk(child);
      } else if (status.isSymbolicLink())
        found[child] = `l ${status.uid}:${status.gid} ${readlinkSync(join(root, child))}`;
      else if (status.isFile()) {
        const hash = createHash("sha256")
          .update(readFileSync(join(root, child)))
          .digest("hex");
        found[child] = `f ${owner} ${status.size} ${hash.slice(0, 12)}`;
      } else found[child] = `${status.isFIFO() ? "p" : "x"} ${owner}`;
    }
  };
  walk("");
  return found;
}

/** What a tree has that another has not, or has otherwise; "-" for what is gone. */
export function treeChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  ignore: readonly string[],
): Record<string, string> {
  const changes: Record<string, string> = {};
  const isIgnored = (path: string) => ignore.some((prefix) => path === prefix || path.startsWith(`${prefix}/`));
  for (const [path, value] of Object.entries(after)) if (before[path] !== value) changes[path] = value;
  for (const path of Object.keys(before)) if (!(path in after)) changes[path] = "-";
  return Object.fromEntries(
    Object.entries(changes)
      .filter(([path]) => !isIgnored(path))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** A config without fields that say nothing, so that two engines' ways of leaving out agree. */
export function plainConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isNothing = (value: unknown) =>
    value === null ||
    value === undefined ||
    value === "" ||
    value === false ||
    (Array.isArray(value) && value.length === 0) ||
    (typeof value === "object" && Object.keys(value).length === 0);
  return Object.fromEntries(
    Object.entries(config)
      .filter(([, value]) => !isNothing(value))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** What is compared of a build's result. */
export type Observation = {
  readonly tree: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
  /** "created_by", with " (empty)" for entries without a layer. */
  readonly history: readonly string[];
};
