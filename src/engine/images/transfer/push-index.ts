import { type Digest, digestOf } from "#base";
import { type Descriptor, familiarName, type ImageIndex, type ImageReference } from "#formats";
import type { ImageDocument, ImageProgress, ImageRecord } from "#images";
import type { RemoteRepository } from "#registry";
import type { TransferParts } from "./parts.ts";
import { sayOfLayers, sendImage } from "./push-image.ts";
import type { PushCompression } from "./push-layer.ts";

/** An index that a name stands for, and what of it is here, by the digests of its manifests. */
export type IndexToPush = ImageDocument & { readonly images: ReadonlyMap<Digest, ImageRecord> };

/** What came of it: the digest under the tag, or the one image that can be pushed in its place. */
export type IndexPush =
  | { readonly kind: "pushed"; readonly digest: Digest; readonly sizeBytes: number }
  | { readonly kind: "single"; readonly image: ImageRecord; readonly selected: Descriptor; readonly index: Descriptor };

/** The entries that this push does not bring and the registry does not have either. */
async function missingOf(
  repository: RemoteRepository,
  entries: readonly Descriptor[],
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const there = await Promise.all(
    entries.map(async ({ digest }) => (await repository.digestOf(digest, signal)) === digest),
  );
  return entries.filter((_entry, at) => there[at] !== true);
}

/**
 * Pushes an index: its own bytes where all it names is here or at the registry, so that it keeps its digest. Of one that
 * is here in part a new index with those platforms is pushed; where that is one platform, the caller pushes the image
 * alone, as Docker does (moby: daemon/containerd/image_push.go).
 */
export async function pushIndex(
  parts: TransferParts,
  repository: RemoteRepository,
  reference: ImageReference,
  index: IndexToPush,
  compression: PushCompression | undefined,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<IndexPush> {
  const { catalog } = parts.store;
  const tag = reference.tag ?? "latest";
  const name = familiarName(reference);
  const whole = { mediaType: index.mediaType, digest: index.digest, size: index.bytes.byteLength };
  if (compression === undefined && (await repository.digestOf(tag, signal)) === index.digest) {
    for (const image of index.images.values()) sayOfLayers(image, "Layer already exists", progress);
    return { kind: "pushed", digest: index.digest, sizeBytes: whole.size };
  }
  const { documents } = await parts.registry();
  const parsed = documents.parseManifest(index.bytes, index.mediaType, name);
  if (parsed.kind !== "index") throw new Error(`the index of ${name} is none`);
  const entries = parsed.index.manifests;
  const here = entries.filter(({ digest }) => index.images.has(digest));
  const elsewhere = entries.filter(({ digest }) => !index.images.has(digest));
  const missing = await missingOf(repository, elsewhere, signal);
  const [only] = here;
  if (missing.length > 0 && here.length === 1 && only !== undefined) {
    return { kind: "single", image: index.images.get(only.digest) as ImageRecord, selected: only, index: whole };
  }
  const sent = new Map<Digest, Descriptor>();
  for (const entry of here) {
    const image = index.images.get(entry.digest) as ImageRecord;
    sayOfLayers(image, "Preparing", progress);
    const manifest = catalog.document(entry.digest);
    const pushed = await sendImage(parts, repository, image, { name, manifest, compression }, progress, signal);
    const digest = await repository.putManifest(pushed, undefined, signal);
    sent.set(entry.digest, { ...entry, mediaType: pushed.mediaType, digest, size: pushed.bytes.byteLength });
  }
  const isSame = missing.length === 0 && [...sent].every(([was, { digest }]) => was === digest);
  const bytes = isSame ? index.bytes : reducedIndex(parsed.index, parsed.mediaType, missing, sent);
  if (missing.length > 0) {
    progress({ status: `Not all platforms of ${name} are here: only those that are have been pushed` });
  }
  const digest = await repository.putManifest({ bytes, mediaType: parsed.mediaType }, tag, signal);
  if (isSame) {
    const members = here.flatMap(({ digest: manifestDigest }) => {
      const image = index.images.get(manifestDigest);
      return image === undefined || catalog.find(image.id) === undefined ? [] : [{ id: image.id, manifestDigest }];
    });
    catalog.addIndex(`${repository.name}@${digestOf(bytes)}`, members, index);
  }
  return { kind: "pushed", digest, sizeBytes: bytes.byteLength };
}

/** The index without what is missing, and with what was packed anew under its new digests. */
function reducedIndex(
  index: ImageIndex,
  mediaType: string,
  missing: readonly Descriptor[],
  sent: ReadonlyMap<Digest, Descriptor>,
): Uint8Array {
  const gone = new Set(missing.map(({ digest }) => digest));
  const manifests = index.manifests
    .filter(({ digest }) => !gone.has(digest))
    .map((entry) => sent.get(entry.digest) ?? entry);
  return Buffer.from(JSON.stringify({ ...index, mediaType, manifests }, null, 3));
}
