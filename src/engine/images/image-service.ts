import type { Digest } from "#base";
import { bootstrapImage, type ImageStore } from "#images";
import type { Container } from "../containers/container.ts";
import { hasProcess } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import type { ContainerView, EventService, ImageService } from "../contract.ts";
import { inspectDistribution } from "./transfer/distribution.ts";
import type { TransferParts } from "./transfer/parts.ts";
import { forgetOldPulls, pullImages } from "./transfer/pull.ts";
import { pushImages } from "./transfer/push.ts";

/** The catalogue of `src/images` with the containers' say in removal, and events. */
export function createImageService(parts: {
  readonly store: ImageStore;
  readonly registry: ContainerRegistry;
  readonly events: EventService;
  readonly transfer: TransferParts;
  readonly view: (container: Container) => ContainerView;
}): ImageService {
  const { registry, events, store, transfer } = parts;
  const { catalog } = store;
  const report = (action: string, id: string, name?: string) =>
    events.emit({ type: "image", action, actor: { id, attributes: name === undefined ? {} : { name } } });
  const holders = (id: Digest) => [...registry.all()].filter((container) => container.document.imageId === id);
  const usedBy = (id: Digest) =>
    holders(id).map((container) => ({ containerId: container.id, running: hasProcess(container) }));
  return {
    find: catalog.find,
    get: catalog.get,
    list: catalog.list,
    history: catalog.history,
    save: catalog.save,
    usedBy: (id) => holders(id).map(parts.view),
    tag: (source, reference) => {
      const image = catalog.get(source);
      catalog.tag(image.id, reference);
      report("tag", image.id, reference);
    },
    remove: async (reference, options) => {
      const removed = await catalog.remove(reference, { ...options, usedBy });
      for (const removal of removed) {
        if ("untagged" in removal) report("untag", removal.untagged, removal.untagged);
        else report("delete", removal.deleted, removal.deleted);
      }
      return removed;
    },
    load: async (archive, progress) => {
      const loaded = await catalog.load(archive, progress);
      for (const image of loaded) report("load", image.id, image.repoTags[0] ?? image.id);
      return loaded;
    },
    importRootfs: async (archive, options) => {
      const image = await catalog.importRootfs(archive, options);
      report("import", image.id, options.tag ?? image.id);
      return image;
    },
    pull: (request, progress, signal) => pullImages(transfer, request, progress, signal),
    push: (request, progress, signal) => pushImages(transfer, request, progress, signal),
    distribution: (name, credentials, signal) => inspectDistribution(transfer, name, credentials, signal),
    login: async (credentials, signal) => (await transfer.registry()).client.login(credentials, signal),
    prune: ({ all, keep }) => {
      // What a pull that broke off has left is unused like a dangling image.
      forgetOldPulls(transfer, true);
      return catalog.prune({ all, keep: (image) => keep(image) || holders(image.id).length > 0 });
    },
    bootstrap: async (reference, options, progress, signal) => {
      const image = await bootstrapImage(store, reference, options, progress, signal);
      report("import", image.id, image.repoTags[0] ?? image.id);
      return image;
    },
  };
}
