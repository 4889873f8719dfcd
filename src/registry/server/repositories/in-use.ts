import type { ContentDigest } from "../digest.ts";

/**
 * Digests that somebody has just been told are here, or is about to refer to. The garbage collector leaves them alone for
 * its grace period: between the HEAD that lets a client skip an upload and the manifest that names the blob, nothing in
 * the store says that it is wanted.
 */
export type DigestsInUse = {
  /** Marks one as wanted now. */
  touch(digest: ContentDigest): void;
  /** When it was last wanted; when this server started, if never since. Ms since the epoch. */
  lastUse(digest: ContentDigest): number;
  /** Forgets those last wanted before a moment. */
  forgetBefore(ms: number): void;
};

/** An empty one. What was wanted before a restart is unknown, so everything counts as wanted at the start. */
export function createDigestsInUse(now: () => number = Date.now): DigestsInUse {
  const started = now();
  const uses = new Map<ContentDigest, number>();
  return {
    touch: (digest) => void uses.set(digest, now()),
    lastUse: (digest) => uses.get(digest) ?? started,
    forgetBefore: (ms) => {
      for (const [digest, at] of uses) if (at < ms) uses.delete(digest);
    },
  };
}
