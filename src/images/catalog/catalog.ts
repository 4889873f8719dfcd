import { type Digest, digestOf, type Logger, shortId } from "#base";
import {
  canonicalName,
  familiarName,
  type ImageConfig,
  parseReference,
  tryParseReference,
  withDefaultTag,
} from "#formats";
import { loadImages } from "../archive/load.ts";
import { saveImages } from "../archive/save.ts";
import type { ImageCatalog, ImageHistoryLine, ImageRecord, ImageRemoval } from "../contract.ts";
import { errors } from "../errors.ts";
import type { StoreLayout } from "../layers/layout.ts";
import type { LayerShelf } from "../layers/store.ts";
import { findImage, getImage, readReference } from "./find.ts";
import { hostArchitecture, parseImageConfig } from "./image-config.ts";
import { type ImageIndex, recordOf, type StoredImage } from "./index-of-images.ts";
import { removeImage } from "./remove.ts";

function createdMs(image: { readonly config: ImageConfig }): number {
  const ms = Date.parse(image.config.created ?? "");
  return Number.isNaN(ms) ? 0 : ms;
}

/** The name to store for a tag somebody asks for; refuses what cannot be one. */
function tagName(text: string): string {
  const reference = withDefaultTag(readReference(text));
  if (reference.digest !== undefined) throw errors.imageTagIsDigest();
  if (familiarName({ repository: reference.repository }) === "sha256") throw errors.imageTagIsAlgorithm();
  return canonicalName(reference);
}

/** The catalogue of images over its index and the layers. */
export function createImageCatalog(parts: {
  readonly index: ImageIndex;
  readonly layers: LayerShelf;
  readonly layout: StoreLayout;
  readonly logger: Logger;
}): ImageCatalog {
  const { index, layers, layout } = parts;
  layers.addHolder(function* () {
    for (const image of index.images.values()) yield* image.config.rootfs.diff_ids;
  });

  const add: ImageCatalog["add"] = ({ config, configBytes, parentId, tags = [], manifest, repoDigests = [] }) => {
    const bytes = configBytes ?? Buffer.from(JSON.stringify(config));
    const id = digestOf(bytes);
    const names = [...tags.map(tagName), ...repoDigests.map((name) => canonicalName(parseReference(name)))];
    for (const diffId of config.rootfs.diff_ids) if (!layers.has(diffId)) throw errors.layerMissing(diffId);
    const parsed = configBytes === undefined ? config : parseImageConfig(bytes);
    index.transaction(() => {
      const known = index.images.get(id);
      if (known === undefined) {
        const sizeBytes = parsed.rootfs.diff_ids.reduce((sum, diffId) => sum + layers.sizeOf(diffId), 0);
        index.insert({ id, bytes, config: parsed, sizeBytes, parentId });
      } else if (known.parentId === undefined && parentId !== undefined && parentId !== id) {
        index.setParent(id, parentId);
      }
      for (const name of names) index.setName(name, id);
      if (manifest !== undefined) index.setManifest(id, { digest: digestOf(manifest.bytes), ...manifest });
    });
    layers.taken(parsed.rootfs.diff_ids);
    return recordOf(index.images.get(id) as StoredImage);
  };

  const addManifest: ImageCatalog["addManifest"] = (id, { repository, bytes, mediaType }) => {
    const digest = digestOf(bytes);
    const name = parseReference(repository).repository;
    index.transaction(() => {
      index.setManifest(id, { digest, mediaType, bytes });
      index.setName(`${name}@${digest}`, id);
    });
    return digest;
  };

  const remove: ImageCatalog["remove"] = async (reference, options) => {
    const removals = removeImage(index, reference, options);
    if (removals.some((removal) => "deleted" in removal)) await layers.collectGarbage();
    return removals;
  };

  const history = (reference: string): ImageHistoryLine[] => {
    const image = getImage(index, reference);
    let layer = image.config.rootfs.diff_ids.length;
    const lines: ImageHistoryLine[] = [...(image.config.history ?? [])].reverse().map((entry) => {
      const diffId = entry.empty_layer === true ? undefined : image.config.rootfs.diff_ids[--layer];
      const sizeBytes = diffId !== undefined && layers.has(diffId) ? layers.sizeOf(diffId) : 0;
      return { ...entry, id: "<missing>", sizeBytes, tags: [] };
    });
    // An ancestor's last step lies as far from the bottom as its own history is long; steps between are no images here.
    let at: StoredImage | undefined = image;
    for (let line = 0; at !== undefined && line < lines.length;) {
      lines[line] = { ...(lines[line] as ImageHistoryLine), id: at.id, tags: recordOf(at).repoTags };
      at = at.parentId === undefined ? undefined : index.images.get(at.parentId);
      line = Math.max(line + 1, lines.length - (at?.config.history?.length ?? 0));
    }
    return lines;
  };

  /** What `docker save` names an image by: the tag asked for, all tags when asked by repository alone or id. */
  const toSave = (references: readonly string[]) => {
    const images = new Map<Digest, { image: StoredImage; tags: Set<string> }>();
    const put = (image: StoredImage, tags: readonly string[]) => {
      const entry = images.get(image.id) ?? { image, tags: new Set<string>() };
      for (const tag of tags) entry.tags.add(tag);
      images.set(image.id, entry);
    };
    for (const text of references) {
      const reference = tryParseReference(text);
      const exact = reference === undefined ? undefined : canonicalName(withDefaultTag(reference));
      const bare = reference !== undefined && reference.tag === undefined && reference.digest === undefined;
      if (bare) {
        const prefix = `${reference.repository}:`;
        const all = [...index.names].filter(([name]) => name.startsWith(prefix));
        for (const [name, id] of all) put(index.images.get(id) as StoredImage, [name]);
        if (all.length > 0) continue;
      }
      const image = getImage(index, text);
      put(
        image,
        exact !== undefined && index.names.get(exact) === image.id && reference?.digest === undefined ? [exact] : [],
      );
    }
    return [...images.values()].map(({ image, tags }) => ({
      config: image.config,
      configBytes: index.configBytes(image.id),
      manifest: image.manifestDigest === undefined ? undefined : index.manifest(image.manifestDigest),
      tags: [...tags].sort(),
    }));
  };

  const loadTarget = {
    add: ({
      config,
      configBytes,
      tags,
      manifest,
    }: Parameters<Parameters<typeof loadImages>[1]["target"]["add"]>[0]) => {
      // A name in an archive is a wish: what is no valid tag ("ref.name" may be anything) is left out.
      const usable = tags.filter((tag) => {
        const reference = tryParseReference(tag);
        return reference !== undefined && reference.digest === undefined;
      });
      const record = add({ config, configBytes, tags: usable });
      if (manifest !== undefined) {
        const image = index.images.get(record.id);
        if (image?.manifestDigest === undefined) {
          index.transaction(() => index.setManifest(record.id, { digest: digestOf(manifest.bytes), ...manifest }));
        }
      }
      return {
        record: recordOf(index.images.get(record.id) as StoredImage),
        tags: usable.map((tag) => familiarName(withDefaultTag(parseReference(tag)))),
      };
    },
  };

  return {
    find: (reference) => {
      const image = findImage(index, reference);
      return image === undefined ? undefined : recordOf(image);
    },
    get: (reference) => recordOf(getImage(index, reference)),
    list: () => [...index.images.values()].sort((a, b) => createdMs(b) - createdMs(a)).map(recordOf),
    tag: (id, reference) => {
      const name = tagName(reference);
      if (!index.images.has(id)) throw errors.imageNotFound(id);
      index.transaction(() => index.setName(name, id));
    },
    addManifest,
    manifestOf: (id) => {
      const digest = index.images.get(id)?.manifestDigest;
      return digest === undefined ? undefined : index.manifest(digest);
    },
    configBytesOf: (id) => index.configBytes(id),
    add,
    remove,
    history,
    save: (references) => {
      const images = toSave(references);
      const lease = layers.lease(images.flatMap((image) => image.config.rootfs.diff_ids));
      return (async function* () {
        try {
          yield* saveImages(images, layers);
        } finally {
          lease.release();
        }
      })();
    },
    load: (archive, progress) => loadImages(archive, { layout, layers, target: loadTarget }, progress),
    importRootfs: async (archive, { config, message, tag, platform }) => {
      if (tag !== undefined) tagName(tag);
      const { diffId } = await layers.apply(archive);
      const created = new Date().toISOString();
      const [os = "linux", architecture = hostArchitecture(), variant] = (platform ?? "")
        .split("/")
        .filter((part) => part !== "");
      return add({
        config: {
          architecture,
          os,
          ...(variant === undefined ? {} : { variant }),
          created,
          config: config ?? {},
          rootfs: { type: "layers", diff_ids: [diffId] },
          history: [{ created, comment: message ?? "Imported from -" }],
        },
        tags: tag === undefined ? [] : [tag],
      });
    },
    prune: async ({ all, keep }) => {
      const removed: ImageRemoval[] = [];
      const before = layers.totalSize();
      for (const candidate of Array.from(index.images.values())) {
        const image = index.images.get(candidate.id);
        if (image === undefined) continue;
        const record: ImageRecord = recordOf(image);
        if (record.repoTags.length > 0 && !all) continue;
        if (image.names.size === 0 && index.childrenOf(image.id).length > 0) continue;
        if (keep(record)) continue;
        const options = {
          force: false,
          prune: true,
          usedBy: (id: Digest) => (isKept(id) ? [{ containerId: shortId(id), running: true }] : []),
        };
        const isKept = (id: Digest) => {
          const other = index.images.get(id);
          return other !== undefined && id !== image.id && keep(recordOf(other));
        };
        const targets = image.names.size === 0 ? [image.id] : [...image.names].map((name) => name);
        for (const target of targets) {
          if (index.images.has(image.id)) removed.push(...removeImage(index, target, options));
        }
      }
      await layers.collectGarbage();
      return { removed, reclaimedBytes: before - layers.totalSize() };
    },
  };
}
