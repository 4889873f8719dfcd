declare const brand: unique symbol;

/** `sha256:` and 64 lower-case hex digits (OCI image spec, "Digests"). */
export type Digest = string & { readonly [brand]?: "Digest" };

/** True for a well-formed sha256 digest; anything else from outside must be refused, never used in a path. */
export function isDigest(text: string): text is Digest {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The digest of bytes or text at hand. */
export function digestOf(data: string | Uint8Array): Digest {
  // Loaded at the first call: importing node:crypto costs 6 ms, half of what a whole CLI command takes.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

/** The hex part of a digest, safe as a file name once `isDigest` has passed. */
export function digestHex(digest: Digest): string {
  return digest.slice("sha256:".length);
}
