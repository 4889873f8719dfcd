import { type Digest, isDigest, isErrorKind, type Semaphore } from "#base";
import type { Descriptor } from "#formats";
import type { LayerStore } from "#images";
import type { RemoteRepository } from "#registry";

/** How far a layer is; each state is told to everybody who waits for it. */
export type DownloadState =
  | { readonly phase: "waiting" }
  | { readonly phase: "downloading"; readonly current: number; readonly total: number }
  | { readonly phase: "retrying" }
  | { readonly phase: "extracting"; readonly total: number };

/** Layers on their way into the store. One layer travels once, however many pulls want it. */
export type LayerDownloads = {
  /**
   * Resolves when the layer is in the store, whole and durable. Aborting ends this wait; the transfer itself ends when
   * nobody waits any more. Rejects with what went wrong; nothing of the layer is kept then.
   */
  fetch(
    layer: { readonly diffId: Digest; readonly descriptor: Descriptor; readonly repository: RemoteRepository },
    onState: (state: DownloadState) => void,
    signal: AbortSignal,
  ): Promise<void>;
};

type Flight = {
  readonly done: Promise<void>;
  readonly stop: AbortController;
  readonly watchers: Set<(state: DownloadState) => void>;
  last: DownloadState;
};

/** Compressed bytes after which garbage is collected. */
const COLLECT_BYTES = 24 * 1024 * 1024;

/** How often progress is told, at most. */
const TOLD_MS = 100;

/** Rejects when the signal aborts, whatever the work does. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** See `LayerDownloads`. `slots` is `max-concurrent-downloads`. */
export function createLayerDownloads(layers: LayerStore, slots: Semaphore): LayerDownloads {
  const flights = new Map<Digest, Flight>();
  let sinceCollection = 0;
  /**
   * The buffers that a stream leaves behind count little for the collector, so it comes late: without this a pull of a
   * gigabyte takes 130 MB more than the daemon at rest, with it 60, for a tenth more of processor time.
   */
  const noteGarbage = (bytes: number) => {
    sinceCollection += bytes;
    if (sinceCollection < COLLECT_BYTES) return;
    sinceCollection = 0;
    Bun.gc(true);
  };

  const attempt = async (
    { diffId, descriptor, repository }: Parameters<LayerDownloads["fetch"]>[0],
    prefix: AsyncIterable<Uint8Array> | undefined,
    tell: (state: DownloadState) => void,
    signal: AbortSignal,
    onDownloaded: () => void,
  ): Promise<void> => {
    signal.throwIfAborted();
    const total = descriptor.size;
    let current = 0;
    let told = 0;
    tell({ phase: "downloading", current, total });
    const blob = repository.blob(descriptor, { signal, prefix, onRetry: () => tell({ phase: "retrying" }) });
    await layers.apply(blob, {
      expected: diffId,
      packedDigest: descriptor.digest,
      onBytes: (count) => {
        current += count;
        noteGarbage(count);
        if (performance.now() - told < TOLD_MS) return;
        told = performance.now();
        tell({ phase: "downloading", current, total });
      },
      onRead: () => {
        tell({ phase: "downloading", current: total, total });
        tell({ phase: "extracting", total });
        // The rest is the disk's work: the next layer may come meanwhile.
        onDownloaded();
      },
    });
  };

  const transfer = async (
    layer: Parameters<LayerDownloads["fetch"]>[0],
    tell: (state: DownloadState) => void,
    signal: AbortSignal,
    onDownloaded: () => void,
  ): Promise<void> => {
    const { digest, size } = layer.descriptor;
    const partial = isDigest(digest) ? layers.partialOf(digest, size) : undefined;
    try {
      await attempt(layer, partial?.open(), tell, signal, onDownloaded);
    } catch (error) {
      if (partial === undefined || !isErrorKind(error, "invalid")) throw error;
      // What an earlier try had left was not the beginning of this blob, and has been given up: all of it, then.
      await attempt(layer, undefined, tell, signal, onDownloaded);
    }
  };

  const start = (layer: Parameters<LayerDownloads["fetch"]>[0]): Flight => {
    const stop = new AbortController();
    const watchers = new Set<(state: DownloadState) => void>();
    const tell = (state: DownloadState) => {
      flight.last = state;
      for (const watcher of watchers) watcher(state);
    };
    const done = Promise.withResolvers<void>();
    const flight: Flight = { done: done.promise, stop, watchers, last: { phase: "waiting" } };
    // Everybody who waits may have gone before it fails.
    flight.done.catch(() => {});
    flights.set(layer.diffId, flight);
    const settled = () => {
      if (flights.get(layer.diffId) === flight) flights.delete(layer.diffId);
    };
    void slots.run(() => {
      const downloaded = Promise.withResolvers<void>();
      transfer(layer, tell, stop.signal, downloaded.resolve)
        .finally(() => {
          settled();
          downloaded.resolve();
        })
        .then(done.resolve, done.reject);
      return downloaded.promise;
    });
    return flight;
  };

  return {
    async fetch(layer, onState, signal) {
      for (;;) {
        if (layers.has(layer.diffId)) return;
        const known = flights.get(layer.diffId);
        const flight = known ?? start(layer);
        flight.watchers.add(onState);
        onState(flight.last);
        try {
          await unlessAborted(flight.done, signal);
          return;
        } catch (error) {
          // Somebody else's registry failed, or everybody else left; ours may do better.
          if (known === undefined || signal.aborted) throw error;
        } finally {
          flight.watchers.delete(onState);
          if (flight.watchers.size === 0 && signal.aborted) {
            if (flights.get(layer.diffId) === flight) flights.delete(layer.diffId);
            flight.stop.abort(signal.reason);
          }
        }
      }
    },
  };
}
