import { type Digest, digestHex, digestOf, shortId } from "#base";
import { fitsPlatform, type ImageConfig, type Platform, platformText } from "#formats";
import type { ImageProgress, ImageRecord, LayerLease, LayerStore } from "../contract.ts";
import { CONFIG_LIMIT, parseImageConfig } from "../catalog/image-config.ts";
import { errors } from "../errors.ts";
import type { StoreLayout } from "../layers/layout.ts";
import { removeTree } from "../layers/store.ts";
import { type ArchivedImage, readArchivedImages } from "./read-archive.ts";
import { type Spool, spoolArchive } from "./spool.ts";

/** How often progress is told, at most. */
const PROGRESS_MS = 100;

/** What loading needs of the catalogue. */
export type LoadTarget = {
  add(image: {
    readonly config: ImageConfig;
    readonly configBytes: Uint8Array;
    readonly tags: readonly string[];
    readonly manifest: ArchivedImage["manifest"];
    readonly index: ArchivedImage["index"];
  }): {
    readonly record: ImageRecord;
    /** Familiar names it got. */
    readonly tags: readonly string[];
    /** Which of them stood for another image. */
    readonly replaced: readonly { readonly tag: string; readonly id: Digest }[];
  };
};

async function loadLayers(
  image: ArchivedImage,
  config: ImageConfig,
  spool: Spool,
  layers: LayerStore,
  lease: LayerLease,
  progress: ImageProgress,
): Promise<void> {
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== image.layers.length) {
    throw errors.imageArchiveInvalid(`its config names ${diffIds.length} layers, its manifest ${image.layers.length}`);
  }
  for (const [index, diffId] of diffIds.entries()) {
    const file = image.layers[index] as ArchivedImage["layers"][number];
    lease.add(diffId);
    if (layers.has(diffId)) continue;
    const id = shortId(diffId);
    let current = 0;
    let told = 0;
    await layers.apply(spool.open(file), {
      expected: diffId,
      packedDigest: file.digest,
      onBytes: (count) => {
        current += count;
        if (performance.now() - told < PROGRESS_MS && current < file.sizeBytes) return;
        told = performance.now();
        progress({ status: "Loading layer", id, progress: { current, total: file.sizeBytes } });
      },
    });
  }
}

/** Loads every image of an archive. Each digest is verified; an image is there whole, with its tags, or not at all. */
export async function loadImages(
  archive: AsyncIterable<Uint8Array>,
  parts: { readonly layout: StoreLayout; readonly layers: LayerStore; readonly target: LoadTarget },
  progress: ImageProgress,
  platform?: Platform,
): Promise<ImageRecord[]> {
  const directory = parts.layout.fresh("load");
  using lease = parts.layers.lease();
  try {
    const spool = await spoolArchive(archive, directory, () => {});
    const loaded: ImageRecord[] = [];
    const told = new Set<string>();
    for (const image of readArchivedImages(spool, platform)) {
      const configBytes = spool.bytes(image.config, CONFIG_LIMIT, "an image's config");
      const config = parseImageConfig(configBytes);
      const id = digestOf(configBytes);
      if (platform !== undefined && !fitsPlatform(platform, config)) {
        throw errors.imagePlatformMissing(image.tags[0] ?? "of the archive", platformText(platform));
      }
      // Old archives call the config "<id>.json", new ones and layouts keep it as blob: the name is its digest.
      const { record, tags, replaced } = await loadLayers(image, config, spool, parts.layers, lease, progress).then(
        () => parts.target.add({ config, configBytes, tags: image.tags, manifest: image.manifest, index: image.index }),
      );
      loaded.push(record);
      for (const { tag, id: old } of replaced) {
        progress({
          stream: `The image ${tag} already exists, renaming the old one with ID ${old} to empty string\n`,
        });
      }
      // A name may stand for several platforms.
      for (const tag of tags) if (!told.has(tag)) progress({ stream: `Loaded image: ${tag}\n` });
      for (const tag of tags) told.add(tag);
      if (tags.length === 0) progress({ stream: `Loaded image ID: sha256:${digestHex(id)}\n` });
    }
    return loaded;
  } finally {
    await removeTree(directory);
  }
}
