/**
 * Image names, as the distribution project's `reference` package parses and writes them
 * (github.com/distribution/reference: reference.go, normalize.go, regexp.go). Clients match on its error texts.
 */

/** A parsed image name. `repository` is fully qualified: "docker.io/library/debian". */
export type ImageReference = {
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
};

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domainName = `${domainComponent}(?:\\.${domainComponent})*`;
const ipv6 = "\\[(?:[a-fA-F0-9:]+)\\]";
const domain = `(?:${domainName}|${ipv6})(?::[0-9]+)?`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const remoteName = `${pathComponent}(?:/${pathComponent})*`;
const name = `(?:${domain}/)?${remoteName}`;
const tag = "[\\w][\\w.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9a-fA-F]{32,}";

const referencePattern = new RegExp(`^(${name})(?::(${tag}))?(?:@(${digest}))?$`);
const anchoredDomain = new RegExp(`^${domain}$`);

const DEFAULT_DOMAIN = "docker.io";
const LEGACY_DEFAULT_DOMAIN = "index.docker.io";
const OFFICIAL_PREFIX = "library/";
/** Longest repository name without its domain. */
const MAXIMUM_NAME = 255;
/** No valid name comes near this; longer text is not worth a regular expression. */
const MAXIMUM_TEXT = 4096;

/** Why a name was refused, in the reference package's words. */
export class ReferenceFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ReferenceFormatError";
  }
}

function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  let domainPart = DEFAULT_DOMAIN;
  let rest = text;
  // A first part without dot or port is a registry only if it is localhost or cannot be a path (upper case).
  if (slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first)) {
    domainPart = first;
    rest = text.slice(slash + 1);
  }
  if (domainPart === LEGACY_DEFAULT_DOMAIN) domainPart = DEFAULT_DOMAIN;
  if (domainPart === DEFAULT_DOMAIN && !rest.includes("/")) rest = OFFICIAL_PREFIX + rest;
  return { domain: domainPart, rest };
}

function digestLengthIsRight(text: string): boolean {
  const lengths: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };
  const colon = text.indexOf(":");
  const hex = text.slice(colon + 1);
  return lengths[text.slice(0, colon)] === hex.length && /^[0-9a-f]+$/.test(hex);
}

/**
 * Parses what a person types: "debian", "debian:bookworm", "ghcr.io/a/b@sha256:…", "localhost:5000/x". Adds the
 * default registry and "library/". Throws ReferenceFormatError, e.g. "invalid reference format".
 */
export function parseReference(text: string): ImageReference {
  if (text.length > MAXIMUM_TEXT) throw new ReferenceFormatError("invalid reference format");
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new ReferenceFormatError(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain: domainPart, rest } = splitDomain(text);
  const colon = rest.indexOf(":");
  const at = rest.indexOf("@");
  const ends = [colon, at].filter((index) => index >= 0);
  const remote = ends.length === 0 ? rest : rest.slice(0, Math.min(...ends));
  if (remote.toLowerCase() !== remote) {
    throw new ReferenceFormatError(`invalid reference format: repository name (${remote}) must be lowercase`);
  }
  const match = referencePattern.exec(`${domainPart}/${rest}`);
  if (match === null || !anchoredDomain.test(domainPart)) throw new ReferenceFormatError("invalid reference format");
  const [, repository = "", tagPart, digestPart] = match;
  const path = repository.slice(repository.indexOf("/") + 1);
  if (path.length > MAXIMUM_NAME) {
    throw new ReferenceFormatError(`repository name must not be more than ${MAXIMUM_NAME} characters`);
  }
  if (digestPart !== undefined && !digestLengthIsRight(digestPart)) {
    throw new ReferenceFormatError(
      /^(sha256|sha384|sha512):/.test(digestPart) ? "invalid checksum digest length" : "unsupported digest algorithm",
    );
  }
  return {
    repository,
    ...(tagPart === undefined ? {} : { tag: tagPart }),
    ...(digestPart === undefined ? {} : { digest: digestPart }),
  };
}

/** Like `parseReference`, but undefined instead of an error. */
export function tryParseReference(text: string): ImageReference | undefined {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ReferenceFormatError) return undefined;
    throw error;
  }
}

/** The reference with the tag `latest` when it names neither tag nor digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** Fully qualified text: "docker.io/library/debian:bookworm". */
export function canonicalName(reference: ImageReference): string {
  const tagText = reference.tag === undefined ? "" : `:${reference.tag}`;
  return `${reference.repository}${tagText}${reference.digest === undefined ? "" : `@${reference.digest}`}`;
}

/** The repository as people write it: "debian", "someone/thing", "ghcr.io/a/b". */
export function familiarRepository(repository: string): string {
  if (!repository.startsWith(`${DEFAULT_DOMAIN}/`)) return repository;
  const path = repository.slice(DEFAULT_DOMAIN.length + 1);
  // "library/a/b" keeps its prefix: without it the name would mean another repository.
  const short = path.startsWith(OFFICIAL_PREFIX) ? path.slice(OFFICIAL_PREFIX.length) : path;
  return short.includes("/") ? path : short;
}

/** The reference as people write it: "debian:bookworm". */
export function familiarName(reference: ImageReference): string {
  return canonicalName({ ...reference, repository: familiarRepository(reference.repository) });
}

/** The registry of a reference ("docker.io") and the repository's path in it ("library/debian"). */
export function splitRepository(repository: string): { readonly domain: string; readonly path: string } {
  const slash = repository.indexOf("/");
  return { domain: repository.slice(0, slash), path: repository.slice(slash + 1) };
}
