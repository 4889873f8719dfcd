import type { Digest } from "#base";
import { familiarName, parseReference, tryParseReference, withDefaultTag } from "#formats";
import { bootstrapImage, type ImageRecord, type ImageRemoval, type ImageStore, checkStore } from "#images";
import type { Container } from "../containers/container.ts";
import { hasProcess } from "../containers/container.ts";
import type { ContainerRegistry } from "../containers/registry.ts";
import type { ContainerView, EventService, ImageService } from "../contract/index.ts";
import { emitImageEvent } from "../events/image-event.ts";
import { emitPruneEvent } from "../events/prune-event.ts";
import { inspectDistribution } from "./transfer/distribution.ts";
import { manifestViews } from "./manifests.ts";
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
  const report = (action: string, image: ImageRecord, name?: string) => emitImageEvent(events, action, image, name);
  const reportRemovals = (removed: readonly ImageRemoval[], before: ReadonlyMap<string, ImageRecord>) => {
    for (const removal of removed) {
      const name = "untagged" in removal ? removal.untagged : removal.deleted;
      const image = before.get(name);
      // What is deleted beside images are layers, which have no events.
      if (image === undefined) continue;
      if ("untagged" in removal) report("untag", image);
      else events.emit({ type: "image", action: "delete", actor: { id: image.id, attributes: { name: image.id } } });
    }
  };
  /** Images by id and by name, as they are before something is removed. */
  const byName = () => {
    const images = new Map<string, ImageRecord>();
    for (const image of catalog.list())
      for (const name of [image.id, ...image.repoTags, ...image.repoDigests]) images.set(name, image);
    return images;
  };
  const holders = (id: Digest) => [...registry.all()].filter((container) => container.document.imageId === id);
  /** A repository alone means all its tags. */
  const meantBySave = (text: string, platform: Parameters<ImageService["save"]>[1]): readonly ImageRecord[] => {
    const reference = tryParseReference(text);
    const images =
      reference === undefined || reference.tag !== undefined || reference.digest !== undefined
        ? []
        : catalog
            .list()
            .filter(({ repoTags }) => repoTags.some((tag) => parseReference(tag).repository === reference.repository));
    return images.length > 0 ? images : [catalog.get(text, platform)];
  };
  const usedBy = (id: Digest) =>
    holders(id).map((container) => ({ containerId: container.id, running: hasProcess(container) }));
  return {
    find: catalog.find,
    get: catalog.get,
    list: catalog.list,
    history: catalog.history,
    manifests: (reference) => manifestViews(store, reference),
    isFirstOf: (image) => catalog.isFirstOf(image.id),
    directories: (image) => {
      if (store.snapshots.name !== "overlay2") return undefined;
      const [top, ...below] = store.layers.findDirectories(image.config.rootfs.diff_ids) ?? [];
      if (top === undefined) return undefined;
      return { UpperDir: top, ...(below.length === 0 ? {} : { LowerDir: below.join(":") }) };
    },
    save: (references, platform) => {
      const images = new Set(references.flatMap((reference) => meantBySave(reference, platform)));
      const archive = catalog.save(references, platform);
      for (const image of images) report("save", image);
      return archive;
    },
    usedBy: (id) => holders(id).map(parts.view),
    sharedSizes: () => {
      const images = catalog.list();
      const users = new Map<Digest, number>();
      for (const image of images)
        for (const diffId of new Set(image.config.rootfs.diff_ids)) users.set(diffId, (users.get(diffId) ?? 0) + 1);
      const shared = (image: ImageRecord) =>
        image.config.rootfs.diff_ids
          .filter((diffId) => (users.get(diffId) ?? 0) > 1 && store.layers.has(diffId))
          .reduce((sum, diffId) => sum + store.layers.sizeOf(diffId), 0);
      return new Map(images.map((image) => [image.id, shared(image)]));
    },
    tag: (source, reference) => {
      const image = catalog.get(source);
      catalog.tag(source, reference);
      report("tag", image, familiarName(withDefaultTag(parseReference(reference))));
    },
    remove: async (reference, options) => {
      const before = byName();
      const removed = await catalog.remove(reference, { ...options, usedBy });
      reportRemovals(removed, before);
      return removed;
    },
    load: async (archive, progress, platform) => {
      const loaded = await catalog.load(archive, progress, platform);
      for (const image of loaded) report("load", image);
      return loaded;
    },
    importRootfs: async (archive, options) => {
      const image = await catalog.importRootfs(archive, options);
      for (const name of image.repoTags) report("tag", image, name);
      report("import", image);
      return image;
    },
    pull: (request, progress, signal) => pullImages(transfer, request, progress, signal),
    push: (request, progress, signal) => pushImages(transfer, request, progress, signal),
    distribution: (name, credentials, signal) => inspectDistribution(transfer, name, credentials, signal),
    search: async (request, signal) => (await transfer.registry()).client.search(request, signal),
    login: async (credentials, signal) => (await transfer.registry()).client.login(credentials, signal),
    prune: async ({ all, keep }) => {
      // What a pull that broke off has left is unused like a dangling image.
      forgetOldPulls(transfer, true);
      const partialBytes = store.layers.forgetPartials();
      const before = byName();
      const result = await catalog.prune({ all, keep: (image) => keep(image) || holders(image.id).length > 0 });
      reportRemovals(result.removed, before);
      const reclaimedBytes = result.reclaimedBytes + partialBytes;
      emitPruneEvent(events, "image", reclaimedBytes);
      return { ...result, reclaimedBytes };
    },
    check: (progress, signal) => checkStore(store, progress, signal),
    bootstrap: async (reference, options, progress, signal) => {
      const image = await bootstrapImage(store, reference, options, progress, signal);
      report("import", image);
      return image;
    },
  };
}
