/** What is known of a stored object without reading it. */
export type ObjectFacts = { readonly sizeBytes: number; readonly modifiedMs: number };

/** Bytes `start` to `end`, both included, as HTTP counts them. */
export type ByteRange = { readonly start: number; readonly end: number };

/**
 * Where a registry keeps everything: objects by key, on disk or in a bucket. Keys are made by `keys.ts` alone, of parts
 * that were checked; they have no empty, `.` or `..` component.
 */
export type ObjectStore = {
  /** Undefined when there is no such object. */
  find(key: string): Promise<ObjectFacts | undefined>;
  /** All bytes of a small object; undefined when there is none. */
  read(key: string): Promise<Uint8Array | undefined>;
  /**
   * A body for a response: streamed, never in memory as a whole. The object must exist; when it disappears meanwhile
   * the body fails.
   */
  body(key: string, range?: ByteRange): Promise<Blob | ReadableStream<Uint8Array>>;
  /** Atomic and durable: a reader sees the old bytes or the new ones, also after a power cut. */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Takes over a file of the local disk, which is gone from its place afterwards. Atomic and durable as `write`. */
  adopt(key: string, path: string): Promise<void>;
  /** Idempotent, and durable: what was deleted does not come back with a power cut. */
  delete(key: string): Promise<void>;
  /** Deletes what nothing refers to: a power cut may bring it back, and nobody would know the difference. */
  discard(key: string): Promise<void>;
  /** Keys that begin with `prefix` (a path ending in `/`), in no promised order. */
  list(prefix: string): AsyncIterable<string>;
  /** An address at which the client itself may fetch the object for some minutes; undefined when there is none. */
  link?(key: string): string | undefined;
};
