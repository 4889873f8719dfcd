import {
  canonicalName,
  familiarName,
  familiarRepository,
  fitsPlatform,
  type ImageReference,
  parseReference,
  type Platform,
  platformText,
  splitRepository,
} from "#formats";
import type { Digest } from "#base";
import type { ImageProgress, ImageRecord } from "#images";
import type { RegistryCredentials, RemoteRepository } from "#registry";
import { errors } from "../../errors.ts";
import type { TransferParts } from "./parts.ts";
import { sayOfLayers, sendImage } from "./push-image.ts";
import { pushIndex } from "./push-index.ts";
import { MOST_GUESSES, type PushCompression } from "./push-layer.ts";
import { readReference } from "./reference.ts";

/** What to push. */
export type PushRequest = {
  /** A repository; every tag of it unless `tag` says which. */
  readonly repository: string;
  readonly tag?: string | undefined;
  readonly credentials: RegistryCredentials;
  /** Push only what is for this platform. */
  readonly platform?: string | undefined;
  /** @default gzip */
  readonly compression?: PushCompression | undefined;
};

type OnePush = {
  readonly repository: RemoteRepository;
  readonly reference: ImageReference;
  readonly compression: PushCompression | undefined;
};

function finish(tag: string, digest: Digest, sizeBytes: number, progress: ImageProgress): void {
  progress({ status: `${tag}: digest: ${digest} size: ${sizeBytes}` });
  progress({ aux: { Tag: tag, Digest: digest, Size: sizeBytes } });
}

/** Pushes one image under a tag. */
async function pushImage(
  parts: TransferParts,
  { repository, reference, compression }: OnePush,
  image: ImageRecord,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const { catalog } = parts.store;
  const tag = reference.tag ?? "latest";
  const manifest = catalog.manifestOf(image.id);
  sayOfLayers(image, "Preparing", progress);
  // What the tag stands for already needs no more than to be told.
  if (manifest !== undefined && compression === undefined) {
    const there = await repository.digestOf(tag, signal);
    if (there === manifest.digest) {
      sayOfLayers(image, "Layer already exists", progress);
      finish(tag, there, manifest.bytes.byteLength, progress);
      return;
    }
  }
  const name = familiarName(reference);
  const pushed = await sendImage(parts, repository, image, { name, manifest, compression }, progress, signal);
  const digest = await repository.putManifest(pushed, tag, signal);
  if (catalog.find(image.id) !== undefined) catalog.addManifest(image.id, { repository: repository.name, ...pushed });
  finish(tag, digest, pushed.bytes.byteLength, progress);
}

/** Pushes what a tag stands for: an image, or an index with all of it that is here. */
async function pushTag(
  parts: TransferParts,
  push: OnePush,
  image: ImageRecord,
  platform: Platform | undefined,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const index = platform === undefined ? parts.store.catalog.indexOf(canonicalName(push.reference)) : undefined;
  if (index === undefined) {
    await pushImage(parts, push, image, progress, signal);
    return;
  }
  const { repository, reference, compression } = push;
  const result = await pushIndex(parts, repository, reference, index, compression, progress, signal);
  if (result.kind === "pushed") {
    finish(reference.tag ?? "latest", result.digest, result.sizeBytes, progress);
    return;
  }
  // In moby's words (api/types/auxprogress/push.go); the docker command explains them.
  progress({
    aux: { manifestPushedInsteadOfIndex: true, originalIndex: result.index, selectedManifest: result.selected },
  });
  await pushImage(parts, push, result.image, progress, signal);
}

/** Pushes a tag, or every tag of a repository. What the registry has already is not sent. */
export async function pushImages(
  parts: TransferParts,
  request: PushRequest,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const { client, documents } = await parts.registry();
  const platform =
    request.platform === undefined || request.platform === "" ? undefined : documents.parsePlatform(request.platform);
  const { repository: name } = readReference(request.repository);
  const familiar = familiarRepository(name);
  progress({ status: `The push refers to repository [${name}]` });
  const { catalog, blobs } = parts.store;
  const tags = [...new Set(catalog.list().flatMap((image) => image.repoTags))]
    .map((text) => parseReference(text))
    .filter((reference) => reference.repository === name)
    .map((reference) => ({ reference, image: catalog.get(canonicalName(reference), platform) }));
  const wanted = request.tag === undefined ? tags : tags.filter(({ reference }) => reference.tag === request.tag);
  if (wanted.length === 0) {
    if (tags.length > 0 && request.tag !== undefined) throw errors.pushTagMissing(`${familiar}:${request.tag}`);
    throw errors.pushImageMissing(request.tag === undefined ? familiar : `${familiar}:${request.tag}`);
  }
  for (const { image, reference } of wanted) {
    if (platform === undefined || fitsPlatform(platform, image.config)) continue;
    throw errors.imageOtherPlatform(familiarName(reference), platformText(platform), platformText(image.config));
  }
  const { domain } = splitRepository(name);
  const sources = new Set<string>();
  for (const image of catalog.list()) {
    const isPushed = wanted.some(({ reference }) => image.repoTags.includes(familiarName(reference)));
    if (!isPushed) continue;
    for (const diffId of image.config.rootfs.diff_ids) {
      for (const blob of blobs.of(diffId)) {
        const source = splitRepository(blob.repository);
        if (blob.repository !== name && source.domain === domain && sources.size < MOST_GUESSES)
          sources.add(source.path);
      }
    }
  }
  const repository = client.repository(name, {
    credentials: request.credentials,
    access: "push",
    mountFrom: [...sources],
  });
  for (const { image, reference } of wanted.sort((a, b) =>
    canonicalName(a.reference) < canonicalName(b.reference) ? -1 : 1,
  )) {
    const push = { repository, reference, compression: request.compression };
    await pushTag(parts, push, image, platform, progress, signal);
    parts.events.emit({
      type: "image",
      action: "push",
      actor: { id: familiarName(reference), attributes: { ...image.config.config?.Labels, name: familiar } },
    });
  }
}
