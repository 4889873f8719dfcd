import { type ContentDigest, digestParts } from "../digest.ts";

/**
 * Where things lie in the object store. A repository's own folders begin with `_`, which no component of a name does, so
 * that `a` and `a/_tags` cannot be confused with a repository `a/tags`.
 *
 * ```
 * blobs/sha256/ab/ab12…                      bytes, once for all repositories; manifests too
 * catalog/team:shop                          one empty object for each repository
 * repositories/team/shop/_layers/sha256/…    the repository has this blob
 * repositories/team/shop/_manifests/sha256/… the repository has this manifest: media type and size
 * repositories/team/shop/_tags/1.0           digest the tag names
 * repositories/team/shop/_referrers/sha256/SUBJECT/sha256-…   descriptor of what refers to the subject
 * ```
 */
export const keys = {
  blob: (digest: ContentDigest) => {
    const { algorithm, hex } = digestParts(digest);
    return `blobs/${algorithm}/${hex.slice(0, 2)}/${hex}`;
  },
  blobs: "blobs/",
  catalog: "catalog/",
  catalogEntry: (repository: string) => `catalog/${repository.replaceAll("/", ":")}`,
  layers: (repository: string) => `repositories/${repository}/_layers/`,
  layer: (repository: string, digest: ContentDigest) => `${keys.layers(repository)}${digest.replace(":", "/")}`,
  manifests: (repository: string) => `repositories/${repository}/_manifests/`,
  manifest: (repository: string, digest: ContentDigest) => `${keys.manifests(repository)}${digest.replace(":", "/")}`,
  tags: (repository: string) => `repositories/${repository}/_tags/`,
  tag: (repository: string, tag: string) => `${keys.tags(repository)}${tag}`,
  allReferrers: (repository: string) => `repositories/${repository}/_referrers/`,
  referrers: (repository: string, subject: ContentDigest) =>
    `${keys.allReferrers(repository)}${subject.replace(":", "/")}/`,
  referrer: (repository: string, subject: ContentDigest, digest: ContentDigest) =>
    `${keys.referrers(repository, subject)}${digest.replace(":", "-")}`,
} as const;

/** The repository a key of the catalogue stands for. */
export function repositoryOfCatalogKey(key: string): string {
  return key.slice(keys.catalog.length).replaceAll(":", "/");
}

/** The digest that a key's last two parts spell: `…/sha256/ab12…`. */
export function digestOfKey(key: string): ContentDigest {
  const parts = key.split("/");
  return `${parts.at(-2) ?? ""}:${parts.at(-1) ?? ""}`;
}

/** The digest of a key below `blobs/`. */
export function digestOfBlobKey(key: string): ContentDigest {
  const [, algorithm = "", , hex = ""] = key.split("/");
  return `${algorithm}:${hex}`;
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const repositoryName = new RegExp(`^${component}(?:/${component})*$`);

/** A repository's name as the distribution spec has it ("Pulling manifests"), at most 255 characters. */
export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && repositoryName.test(text);
}

/** A tag as the distribution spec has it. */
export function isTag(text: string): boolean {
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);
}
