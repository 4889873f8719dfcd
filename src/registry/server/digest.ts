import { createHash } from "node:crypto";

declare const brand: unique symbol;

/** A digest of the algorithms the OCI image spec registers: sha256 or sha512, lower-case hex of the right length. */
export type ContentDigest = string & { readonly [brand]?: "ContentDigest" };

export type DigestAlgorithm = "sha256" | "sha512";

/** True for a well-formed digest; anything else must be refused before it becomes part of a path. */
export function isContentDigest(text: string): text is ContentDigest {
  return /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
}

/** A digest's two parts, both safe as file names. */
export function digestParts(digest: ContentDigest): { readonly algorithm: DigestAlgorithm; readonly hex: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon) as DigestAlgorithm, hex: digest.slice(colon + 1) };
}

/** The digest of bytes at hand. */
export function contentDigestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): ContentDigest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
