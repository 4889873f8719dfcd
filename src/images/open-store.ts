import { errorMessage, type IdMapping, type Logger } from "#base";
import type { Database } from "#db";
import { letContainersThrough } from "#linux";
import type { TrustPolicy } from "#trust";
import { type ImageTrust, openImageTrust } from "./trust/image-trust.ts";
import { createImageCatalog } from "./catalog/catalog.ts";
import { openImageIndex } from "./catalog/index-of-images.ts";
import type { ImageCatalog, LayerStore, Snapshotter } from "./contract.ts";
import { type LayerBlobs, openLayerBlobs } from "./layers/blobs.ts";
import { emptyTmp, openLayout, type StoreLayout } from "./layers/layout.ts";
import { openPartialBlobs } from "./layers/partials.ts";
import { type LayerShelf, openLayerStore } from "./layers/store.ts";
import { openSnapshotLedger, type SnapshotLedger } from "./snapshots/ledger.ts";
import { createOverlaySnapshotter, type OverlaySupport, probeOverlay } from "./snapshots/overlay.ts";
import { createCopySnapshotter } from "./snapshots/vfs.ts";

/** How root file systems are made: stacked by overlayfs, or copied. */
export type StorageDriver = "overlay2" | "vfs";

/** The parts of the image store, opened together on one data root. */
export type ImageStore = {
  readonly catalog: ImageCatalog;
  readonly layers: LayerStore;
  readonly snapshots: Snapshotter;
  /** Asked before an image is pulled or used. */
  readonly trust: ImageTrust;
  /** Where layers are known to registries. */
  readonly blobs: LayerBlobs;
};

function chooseSnapshotter(
  parts: {
    readonly layout: StoreLayout;
    readonly layers: LayerShelf;
    readonly ledger: SnapshotLedger;
    readonly idMapping: IdMapping | undefined;
  },
  wanted: StorageDriver | undefined,
  logger: Logger,
): Snapshotter {
  // Containers that exist decide, unless somebody says otherwise: their root file systems can be used by one driver only.
  const existing = parts.ledger.drivers();
  const choice = wanted ?? (existing.has("vfs") && !existing.has("overlay2") ? "vfs" : undefined);
  if (choice === "vfs") return createCopySnapshotter(parts);
  let support: OverlaySupport;
  try {
    support = probeOverlay(parts.layout);
  } catch (error) {
    if (choice === "overlay2") throw error;
    logger.warn("overlay mounts do not work here; root file systems are copied (slow, and large)", {
      error: errorMessage(error),
    });
    return createCopySnapshotter(parts);
  }
  return createOverlaySnapshotter({ ...parts, support });
}

/**
 * Opens the store of images, layers and writable root file systems below a data root, and repairs what a crash left:
 * half-done layers, stray directories, layers nobody holds. Only one process may have it open.
 */
export function openImageStore(options: {
  readonly dataRoot: string;
  readonly database: Database;
  readonly logger: Logger;
  /** @default overlay2 where it works, else vfs */
  readonly storageDriver?: StorageDriver | undefined;
  /** Keep layers in the compressed form they came in too, to push and save them as they were. @default true */
  readonly keepPackedLayers?: boolean | undefined;
  /** @default none: every image is let in */
  readonly trustPolicy?: TrustPolicy | undefined;
  /** How owners of images lie on the host; the data root is never opened with another. @default as they are */
  readonly idMapping?: IdMapping | undefined;
}): ImageStore {
  const { dataRoot, database, logger, idMapping } = options;
  const layout = openLayout(dataRoot);
  letContainersThrough(layout.snapshots, idMapping);
  const partials = openPartialBlobs(layout.partial);
  emptyTmp(layout, partials);
  const keepPacked = options.keepPackedLayers ?? true;
  const layers = openLayerStore({ layout, partials, database, logger, keepPacked, idMapping });
  const ledger = openSnapshotLedger(database, layers);
  const catalog = createImageCatalog({ index: openImageIndex(database), layers, layout, logger });
  const snapshots = chooseSnapshotter({ layout, layers, ledger, idMapping }, options.storageDriver, logger);
  layers.collectGarbage().catch((error: unknown) => {
    logger.warn("layers nobody holds could not be removed", { error: errorMessage(error) });
  });
  return {
    catalog,
    layers,
    snapshots,
    blobs: openLayerBlobs(database, layers.has),
    trust: openImageTrust(database, options.trustPolicy),
  };
}
