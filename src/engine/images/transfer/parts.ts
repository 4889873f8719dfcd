import type { Logger, Semaphore } from "#base";
import type { ImageStore } from "#images";
import { loadRegistryClient, type RegistryClient, type RegistrySettings } from "#registry";
import type { EventService } from "../../contract/index.ts";
import { createLayerDownloads, type LayerDownloads } from "./layer-downloads.ts";

type ClientModule = Awaited<ReturnType<typeof loadRegistryClient>>;

/** What pulls and pushes are made of. */
export type TransferParts = {
  readonly store: ImageStore;
  readonly events: Pick<EventService, "emit">;
  readonly logger: Logger;
  /** The client and what understands its documents; loaded at the first call, for most commands need none. */
  readonly registry: () => Promise<{ readonly client: RegistryClient; readonly documents: ClientModule }>;
  readonly downloads: LayerDownloads;
  readonly uploadSlots: Semaphore;
};

/** Limits of transfers, from the daemon's options. */
export type TransferOptions = {
  readonly registries: RegistrySettings;
  /** Layers that are pulled and pushed at once. */
  readonly downloadSlots: Semaphore;
  readonly uploadSlots: Semaphore;
};

/** Makes the parts; nothing is loaded or opened yet. */
export function createTransferParts(given: {
  readonly store: ImageStore;
  readonly events: Pick<EventService, "emit">;
  readonly logger: Logger;
  readonly options: TransferOptions;
}): TransferParts {
  const { store, events, logger, options } = given;
  let loaded: Promise<{ readonly client: RegistryClient; readonly documents: ClientModule }> | undefined;
  return {
    store,
    events,
    logger,
    registry: () =>
      (loaded ??= loadRegistryClient().then((documents) => ({
        documents,
        client: documents.createRegistryClient(options.registries),
      }))),
    downloads: createLayerDownloads(store.layers, options.downloadSlots),
    uploadSlots: options.uploadSlots,
  };
}
