import { type Digest, digestOf, isDigest, isErrorKind, shortId } from "#base";
import {
  canonicalName,
  familiarName,
  familiarRepository,
  fitsPlatform,
  hostPlatform,
  type ImageReference,
  type Platform,
  splitRepository,
  withDefaultTag,
} from "#formats";
import type { ImageProgress, ImageRecord } from "#images";
import type { RegistryCredentials, RemoteRepository } from "#registry";
import { type Evidence, type EvidenceSource, fetchEvidence } from "#trust";
import type { DownloadState } from "./layer-downloads.ts";
import type { TransferParts } from "./parts.ts";
import { readReference } from "./reference.ts";
import { type RemoteImage, resolveImage } from "./resolve.ts";

/** What to pull. */
export type PullRequest = {
  /** "debian", "debian:bookworm", "debian@sha256:…" */
  readonly reference: string;
  /** Every tag of the repository; the reference names no tag then. */
  readonly allTags?: boolean | undefined;
  /** "linux/arm64/v8" @default this machine's */
  readonly platform?: string | undefined;
  readonly credentials: RegistryCredentials;
};

/** A pull whose layers must survive until it is done, or tried again: the owner of its pins. */
const PIN = "pull:";
/** Layers of a pull nobody came back to are kept so long. */
const PIN_HOURS = 24;

/** Gives up layers of pulls that broke off long ago; `all` gives up those of yesterday too. */
export function forgetOldPulls(parts: Pick<TransferParts, "store">, all: boolean): void {
  const { layers } = parts.store;
  const oldest = Date.now() - PIN_HOURS * 3_600_000;
  for (const owner of layers.pinOwners()) {
    if (!owner.startsWith(PIN)) continue;
    const [, since = "", id = ""] = owner.split(":", 3);
    if (running.has(id)) continue;
    if (all || !(Number(since) > oldest)) layers.unpin(owner);
  }
}

/** Images that are being pulled now, by the hex of their id. */
const running = new Set<string>();

/** Downloads what is missing of the layers, several at once; reports in Docker's words. */
async function fetchLayers(
  parts: TransferParts,
  repository: RemoteRepository,
  image: RemoteImage,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<void> {
  const { layers } = parts.store;
  const seen = new Set<Digest>();
  const missing = image.layers.filter(({ diffId, descriptor }) => {
    const id = shortId(descriptor.digest);
    const isKnown = layers.has(diffId) || seen.has(diffId);
    seen.add(diffId);
    progress({ status: isKnown ? "Already exists" : "Pulling fs layer", id, progress: {} });
    return !isKnown;
  });
  // The first that fails ends the others: an image is whole or nothing.
  const stop = new AbortController();
  const all = AbortSignal.any([signal, stop.signal]);
  const fetched = await Promise.allSettled(
    missing.map(async ({ diffId, descriptor }) => {
      const id = shortId(descriptor.digest);
      const say = (status: string) => progress({ status, id, progress: {} });
      let phase: DownloadState["phase"] | undefined;
      const onState = (state: DownloadState) => {
        if (state.phase === "waiting") say("Waiting");
        else if (state.phase === "retrying") say("Retrying in 1 second");
        else if (state.phase === "downloading") {
          progress({ status: "Downloading", id, progress: { current: state.current, total: state.total } });
        } else if (phase !== "extracting") {
          say("Verifying Checksum");
          say("Download complete");
          progress({ status: "Extracting", id, progress: { current: state.total, total: state.total } });
        }
        ({ phase } = state);
      };
      try {
        await parts.downloads.fetch({ diffId, descriptor, repository }, onState, all);
        say("Pull complete");
      } catch (error) {
        stop.abort(error);
        throw error;
      }
    }),
  );
  signal.throwIfAborted();
  const failed = fetched.filter((result) => result.status === "rejected");
  // What stopped the others is the reason; they only say that they were stopped.
  if (stop.signal.aborted) throw stop.signal.reason;
  if (failed[0] !== undefined) throw failed[0].reason;
}

/** The image that the reference means here already, when the registry says it has not moved. */
async function unchanged(
  parts: TransferParts,
  repository: RemoteRepository,
  reference: ImageReference,
  platform: Platform | undefined,
  signal: AbortSignal,
): Promise<{ readonly image: ImageRecord; readonly digest: Digest } | undefined> {
  const image = parts.store.catalog.find(canonicalName(reference), platform);
  // A layer that a check found damaged makes the image one to be pulled again.
  if (image?.config.rootfs.diff_ids.every((diffId) => parts.store.layers.has(diffId)) === false) return undefined;
  if (image === undefined || !fitsPlatform(platform ?? hostPlatform(), image.config)) return undefined;
  const isKnown = (digest: string) =>
    image.repoDigests.includes(familiarName({ repository: reference.repository, digest }));
  if (reference.digest !== undefined) {
    return isKnown(reference.digest) ? { image, digest: reference.digest } : undefined;
  }
  // Nothing to compare with: the manifest itself is asked for at once.
  const prefix = `${familiarRepository(reference.repository)}@`;
  if (!image.repoDigests.some((name) => name.startsWith(prefix))) return undefined;
  const digest = await repository.digestOf(reference.tag ?? "latest", signal);
  return digest !== undefined && isKnown(digest) ? { image, digest } : undefined;
}

/** Asks the policy whether the image may come in; what it was signed with, to be kept. */
async function requireTrusted(
  parts: TransferParts,
  repository: RemoteRepository,
  reference: ImageReference,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<readonly Evidence[]> {
  const { trust } = parts.store;
  if (!trust.isActive) return [];
  const orNone = (error: unknown) => {
    if (isErrorKind(error, "not-found")) return undefined;
    throw error;
  };
  const source: EvidenceSource = {
    manifest: (target) => repository.manifest(target, signal).then(({ bytes }) => bytes, orNone),
    referrers: async (digest) => (isDigest(digest) ? repository.referrers(digest, signal) : []),
    blob: async (descriptor) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of repository.blob(descriptor, { signal })) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
  };
  const evidence = trust.wantsSignatures(reference) ? await fetchEvidence(source, digests) : [];
  await trust.requirePulled(reference, digests, evidence);
  return evidence;
}

async function pullOne(
  parts: TransferParts,
  repository: RemoteRepository,
  reference: ImageReference,
  platform: Platform | undefined,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<ImageRecord> {
  const { catalog, layers, blobs } = parts.store;
  const familiar = familiarName(reference);
  const target = reference.digest ?? reference.tag ?? "latest";
  // Said only now that the registry has it: before the first record an error still has a status of its own.
  const begin = () => progress({ status: `Pulling from ${splitRepository(reference.repository).path}`, id: target });
  const here = await unchanged(parts, repository, reference, platform, signal);
  if (here !== undefined) {
    const evidence = await requireTrusted(parts, repository, reference, [here.digest], signal);
    parts.store.trust.keep(here.image.id, evidence);
    begin();
    progress({ status: `Digest: ${here.digest}` });
    progress({ status: `Status: Image is up to date for ${familiar}` });
    return here.image;
  }
  const remote = await resolveImage(parts, repository, { reference: target, platform, name: familiar }, signal);
  const evidence = await requireTrusted(
    parts,
    repository,
    reference,
    [remote.top.digest, digestOf(remote.manifest.bytes)],
    signal,
  );
  begin();
  const hex = remote.id.slice("sha256:".length);
  using lease = layers.lease(remote.layers.map(({ diffId }) => diffId));
  const owner = `${PIN}${Date.now()}:${hex}`;
  const isMissing = remote.layers.some(({ diffId }) => !layers.has(diffId));
  running.add(hex);
  let record: ImageRecord;
  const before = catalog.find(canonicalName(reference), platform);
  try {
    if (isMissing) {
      layers.pin(
        owner,
        remote.layers.map(({ diffId }) => diffId),
      );
    }
    await fetchLayers(parts, repository, remote, progress, signal);
    signal.throwIfAborted();
    const digests = new Set([
      remote.top.digest,
      ...(reference.digest !== undefined && isDigest(reference.digest) ? [reference.digest] : []),
    ]);
    record = catalog.add({
      config: remote.config,
      configBytes: remote.configBytes,
      // A digest beside a tag decides; the tag is not moved by it.
      tags: reference.digest === undefined ? [canonicalName(reference)] : [],
      manifest: { bytes: remote.manifest.bytes, mediaType: remote.manifest.mediaType },
      index: remote.index,
      repoDigests: [...digests].map((digest) => `${reference.repository}@${digest}`),
    });
    parts.store.trust.keep(record.id, evidence);
    blobs.add(
      remote.layers.map(({ diffId, descriptor }) => ({
        diffId,
        digest: descriptor.digest,
        sizeBytes: descriptor.size,
        mediaType: descriptor.mediaType,
        repository: reference.repository,
      })),
    );
  } finally {
    running.delete(hex);
    lease.release();
  }
  for (const pins of layers.pinOwners()) {
    if (pins.startsWith(PIN) && pins.endsWith(`:${hex}`)) layers.unpin(pins);
  }
  progress({ status: `Digest: ${remote.top.digest}` });
  progress({
    status:
      before?.id === record.id
        ? `Status: Image is up to date for ${familiar}`
        : `Status: Downloaded newer image for ${familiar}`,
  });
  return record;
}

/**
 * Pulls an image, or every tag of a repository. Each image is whole and durable when it appears, or absent; layers that
 * came through before a failure are kept for the next try. Returns the images in the order of their tags.
 */
export async function pullImages(
  parts: TransferParts,
  request: PullRequest,
  progress: ImageProgress,
  signal: AbortSignal,
): Promise<readonly ImageRecord[]> {
  const given = readReference(request.reference);
  const { client, documents } = await parts.registry();
  const platform =
    request.platform === undefined || request.platform === "" ? undefined : documents.parsePlatform(request.platform);
  const repository = client.repository(given.repository, { credentials: request.credentials, access: "pull" });
  const references: ImageReference[] = [];
  if (request.allTags === true && given.tag === undefined && given.digest === undefined) {
    const tags = await repository.tags(signal);
    references.push(...tags.map((tag) => ({ repository: given.repository, tag })));
  } else references.push(withDefaultTag(given));
  const images: ImageRecord[] = [];
  for (const reference of references) {
    const image = await pullOne(parts, repository, reference, platform, progress, signal);
    images.push(image);
    parts.events.emit({
      type: "image",
      action: "pull",
      actor: {
        id: familiarName(reference),
        attributes: { ...image.config.config?.Labels, name: familiarRepository(reference.repository) },
      },
    });
  }
  return images;
}
