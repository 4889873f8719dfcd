import { type Digest, digestOf, type Logger, shortId } from "#base";
import {
  canonicalName,
  familiarName,
  type ImageConfig,
  parseReference,
  type Platform,
  tryParseReference,
  withDefaultTag,
} from "#formats";
import { loadImages } from "../archive/load.ts";
import { saveImages } from "../archive/save.ts";
import type { ImageCatalog, ImageHistoryLine, ImageRecord, ImageRemoval } from "../contract.ts";
import { errors } from "../errors.ts";
import type { StoreLayout } from "../layers/layout.ts";
import type { LayerShelf } from "../layers/store.ts";
import { findImage, findName, getImage, readReference } from "./find.ts";
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

  const add: ImageCatalog["add"] = (image) => {
    const { config, configBytes, parentId, tags = [], manifest, index: of, repoDigests = [] } = image;
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
      const own = manifest === undefined ? undefined : { digest: digestOf(manifest.bytes), ...manifest };
      const above = of === undefined ? undefined : { digest: digestOf(of.bytes), ...of };
      for (const name of names) {
        if (above === undefined || own === undefined) index.setName(name, id);
        else index.setIndexName(name, id, above, own.digest);
      }
      if (own !== undefined) index.setManifest(id, own);
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

  const indexOf: ImageCatalog["indexOf"] = (reference) => {
    const name = findName(index, reference);
    const named = name === undefined ? undefined : index.indexes.get(name);
    const document = named === undefined ? undefined : index.document(named.digest);
    if (named === undefined || document === undefined) return undefined;
    const images = new Map<Digest, ImageRecord>();
    for (const [id, manifestDigest] of named.members) {
      const image = index.images.get(id);
      if (image !== undefined) images.set(manifestDigest, recordOf(image));
    }
    return { ...document, images };
  };

  const addIndex: ImageCatalog["addIndex"] = (reference, members, document) => {
    const name = canonicalName(withDefaultTag(readReference(reference)));
    const whole = { digest: digestOf(document.bytes), ...document };
    index.transaction(() => {
      for (const { id, manifestDigest } of members) index.setIndexName(name, id, whole, manifestDigest);
    });
  };

  const remove: ImageCatalog["remove"] = async (reference, options) => {
    const removals = removeImage(index, reference, options);
    if (removals.some((removal) => "deleted" in removal)) await layers.collectGarbage();
    return removals;
  };

  const history: ImageCatalog["history"] = (reference, platform) => {
    const image = getImage(index, reference, platform);
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

  const imageToSave = (image: StoredImage, manifestDigest: Digest | undefined, tags: readonly string[]) => ({
    config: image.config,
    configBytes: index.configBytes(image.id),
    manifest: manifestDigest === undefined ? undefined : index.document(manifestDigest),
    tags,
  });

  /**
   * What `docker save` names an image by: the tag asked for, all tags when asked by repository alone or id. A name that
   * stands for an index is saved with it, unless one platform of it is asked for.
   */
  const toSave = (references: readonly string[], platform: Platform | undefined) => {
    const images = new Map<Digest, { image: StoredImage; tags: Set<string> }>();
    const indexes = new Map<Digest, { first: string; tags: Set<string> }>();
    const put = (image: StoredImage, tags: readonly string[]) => {
      const entry = images.get(image.id) ?? { image, tags: new Set<string>() };
      for (const tag of tags) entry.tags.add(tag);
      images.set(image.id, entry);
    };
    const putName = (name: string, isTag: boolean) => {
      const named = platform === undefined ? index.indexes.get(name) : undefined;
      if (named === undefined || index.document(named.digest) === undefined) {
        put(getImage(index, name, platform), isTag ? [name] : []);
        return;
      }
      const entry = indexes.get(named.digest) ?? { first: name, tags: new Set<string>() };
      if (isTag) entry.tags.add(name);
      indexes.set(named.digest, entry);
    };
    for (const text of references) {
      const reference = tryParseReference(text);
      if (reference !== undefined && reference.tag === undefined && reference.digest === undefined) {
        const prefix = `${reference.repository}:`;
        const all = [...index.names.keys()].filter((name) => name.startsWith(prefix));
        for (const name of all) putName(name, true);
        if (all.length > 0) continue;
      }
      const name = findName(index, text);
      if (name === undefined) put(getImage(index, text, platform), []);
      else putName(name, parseReference(name).digest === undefined);
    }
    return {
      images: [...images.values()].map(({ image, tags }) => imageToSave(image, image.manifestDigest, [...tags].sort())),
      indexes: [...indexes].flatMap(([digest, { first, tags }]) => {
        const document = index.document(digest);
        const named = index.indexes.get(first);
        if (document === undefined || named === undefined) return [];
        const members = index.imagesOf(first).map((image) => imageToSave(image, named.members.get(image.id), []));
        return [{ bytes: document.bytes, mediaType: document.mediaType, members, tags: [...tags].sort() }];
      }),
    };
  };

  const loadTarget = {
    add: ({
      config,
      configBytes,
      tags,
      manifest,
      index: of,
    }: Parameters<Parameters<typeof loadImages>[1]["target"]["add"]>[0]) => {
      // A name in an archive is a wish: what is no valid tag ("ref.name" may be anything) is left out.
      const usable = tags.filter((tag) => {
        const reference = tryParseReference(tag);
        return reference !== undefined && reference.digest === undefined;
      });
      // The platforms of an index share its name.
      const replaced = usable.flatMap((tag) => {
        const name = withDefaultTag(parseReference(tag));
        const id = index.names.get(canonicalName(name));
        const isOther = of === undefined && id !== undefined && id !== digestOf(configBytes);
        return isOther ? [{ tag: familiarName(name), id }] : [];
      });
      // What is here already keeps the manifest it came with, unless the archive's index names another.
      const isNew = index.images.get(digestOf(configBytes))?.manifestDigest === undefined;
      const record = add({
        config,
        configBytes,
        tags: usable,
        ...(isNew || of !== undefined ? { manifest } : {}),
        index: of,
      });
      return {
        record: recordOf(index.images.get(record.id) as StoredImage),
        tags: usable.map((tag) => familiarName(withDefaultTag(parseReference(tag)))),
        replaced,
      };
    },
  };

  return {
    find: (reference, platform) => {
      const image = findImage(index, reference, platform);
      return image === undefined ? undefined : recordOf(image);
    },
    get: (reference, platform) => recordOf(getImage(index, reference, platform)),
    indexOf,
    addIndex,
    document: (digest) => index.document(digest),
    list: () => [...index.images.values()].sort((a, b) => createdMs(b) - createdMs(a)).map(recordOf),
    tag: (source, reference) => {
      const name = tagName(reference);
      const from = findName(index, source);
      const { id } = getImage(index, source);
      index.transaction(() => {
        if (from === undefined) index.setName(name, id);
        else index.copyName(from, name);
      });
    },
    addManifest,
    manifestOf: (id) => {
      const digest = index.images.get(id)?.manifestDigest;
      return digest === undefined ? undefined : index.document(digest);
    },
    configBytesOf: (id) => index.configBytes(id),
    add,
    remove,
    history,
    save: (references, platform) => {
      const { images, indexes } = toSave(references, platform);
      const all = [...images, ...indexes.flatMap(({ members }) => members)];
      const lease = layers.lease(all.flatMap((image) => image.config.rootfs.diff_ids));
      return (async function* () {
        try {
          yield* saveImages(images, indexes, layers);
        } finally {
          lease.release();
        }
      })();
    },
    load: (archive, progress, platform) =>
      loadImages(archive, { layout, layers, target: loadTarget }, progress, platform),
    isFirstOf: (id) => {
      const names = index.images.get(id)?.names ?? new Set<string>();
      return names.size === 0 || [...names].some((name) => index.names.get(name) === id);
    },
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
        // A name that stands for images that stay is not theirs to lose.
        for (const name of Array.from(image.names)) {
          const others = index.imagesOf(name).filter(({ id }) => id !== image.id);
          if (others.some((other) => keep(recordOf(other)))) index.leaveName(name, image.id);
        }
        const targets = image.names.size === 0 ? [image.id] : [...image.names];
        for (const target of targets) {
          if (index.images.has(image.id)) removed.push(...removeImage(index, target, options));
        }
      }
      await layers.collectGarbage();
      return { removed, reclaimedBytes: before - layers.totalSize() };
    },
  };
}
