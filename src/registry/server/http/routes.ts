/** What a path is about; the dispatcher chooses by method. */
export type Target =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "blob"; readonly repository: string; readonly digest: string }
  | { readonly kind: "uploads"; readonly repository: string }
  | { readonly kind: "upload"; readonly repository: string; readonly id: string }
  | { readonly kind: "manifest"; readonly repository: string; readonly reference: string }
  | { readonly kind: "tags"; readonly repository: string }
  | { readonly kind: "referrers"; readonly repository: string; readonly digest: string }
  | { readonly kind: "search" }
  | { readonly kind: "search-ping" }
  | { readonly kind: "token" }
  | { readonly kind: "health" }
  | { readonly kind: "metrics" }
  | { readonly kind: "listing" }
  | { readonly kind: "unknown" };

const fixed: Readonly<Record<string, Target>> = {
  "/": { kind: "listing" },
  "/v2": { kind: "base" },
  "/v2/": { kind: "base" },
  "/v2/_catalog": { kind: "catalog" },
  "/v1/search": { kind: "search" },
  "/v1/_ping": { kind: "search-ping" },
  "/token": { kind: "token" },
  "/healthz": { kind: "health" },
  "/metrics": { kind: "metrics" },
};

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    // Malformed, and so no valid name of anything.
    return text ?? "";
  }
}

/** Reads a path. A repository's name may have slashes, so the last of our words in the path decides. */
export function readTarget(path: string): Target {
  const simple = fixed[path];
  if (simple !== undefined) return simple;
  const uploads = /^\/v2\/(.+)\/blobs\/uploads\/?$/.exec(path);
  if (uploads !== null) return { kind: "uploads", repository: decoded(uploads[1]) };
  const upload = /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/.exec(path);
  if (upload !== null) return { kind: "upload", repository: decoded(upload[1]), id: decoded(upload[2]) };
  const tags = /^\/v2\/(.+)\/tags\/list$/.exec(path);
  if (tags !== null) return { kind: "tags", repository: decoded(tags[1]) };
  const match = /^\/v2\/(.+)\/(blobs|manifests|referrers)\/([^/]*)$/.exec(path);
  const repository = decoded(match?.[1]);
  const name = decoded(match?.[3]);
  if (match?.[2] === "blobs") return { kind: "blob", repository, digest: name };
  if (match?.[2] === "manifests") return { kind: "manifest", repository, reference: name };
  if (match?.[2] === "referrers") return { kind: "referrers", repository, digest: name };
  return { kind: "unknown" };
}
