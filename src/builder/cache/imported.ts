import type { Digest } from "#base";

/** Results of steps that came with a cache import: nothing is fetched until one is needed. */
export type ImportedCache = {
  /** Where it came from, for messages. */
  readonly name: string;
  /** The result of a key; undefined when it has none. */
  find(key: string): { readonly diffId: Digest | undefined; readonly created: string } | undefined;
  /** Brings the layer into the store; false when that fails, and the step is run instead. */
  fetch(diffId: Digest, signal: AbortSignal): Promise<boolean>;
};
