import type { ContentDigest } from "../digest.ts";

/** A repository of another registry, as the mirror reads it. */
export type Upstream = {
  /** Throws what the registry said; a `not-found` error when it has none. */
  manifest(reference: string): Promise<{ readonly bytes: Uint8Array; readonly mediaType: string }>;
  /** Digest of a tag without fetching it; undefined when the registry does not say. */
  digestOf(tag: string): Promise<string | undefined>;
  /** Verified while it is read: a wrong byte ends the stream in an error. */
  blob(descriptor: {
    readonly digest: ContentDigest;
    readonly size: number;
    readonly mediaType: string;
  }): AsyncIterable<Uint8Array>;
};

/** One registry that is mirrored. */
export type MirrorOptions = {
  /** Host, with port: "docker.io", "registry.example:5000". */
  readonly upstream: string;
  /** Repositories here that begin with it are the upstream's: "hub/" makes docker.io/library/debian hub/library/debian. */
  readonly prefix: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Plain HTTP, or certificates nobody knows. */
  readonly insecure: boolean;
  /** A tag is believed for so long before the upstream is asked again. */
  readonly revalidateMs: number;
};
