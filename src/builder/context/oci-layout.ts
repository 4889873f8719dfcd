import * as v from "valibot";
import { type Digest, digestOf, isDigest } from "#base";
import { mediaTypes, type Platform } from "#formats";
import { CONFIG_LIMIT, type ImageRecord, type LayerLease, type LayerStore, parseImageConfig } from "#images";
import { toByteString } from "#linux";
import { errors } from "../errors.ts";
import { formatPlatform, platformFits } from "../plan/platform.ts";
import { resolveInTree, type SourceTree } from "./tree.ts";

/** Where the blobs of an OCI layout are read: a directory, an archive, or a client's content store. */
export type LayoutBlobs = {
  /** The layout's index.json; undefined of a store that has blobs and no names. */
  index(signal: AbortSignal): Promise<Uint8Array | undefined>;
  blob(digest: Digest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Called when the build ends. */
  close(): void;
};

/** An image of a layout: by digest, or by the tag that its index gives it. */
export type LayoutReference = { readonly tag: string | undefined; readonly digest: Digest | undefined };

/** Limits of the documents; layers have none. */
const documentBytes = 4 * 1024 * 1024;

const descriptorSchema = v.object({
  mediaType: v.nullish(v.string(), ""),
  digest: v.pipe(v.string(), v.check(isDigest, "malformed digest")),
  size: v.number(),
  annotations: v.nullish(v.record(v.string(), v.string())),
  platform: v.nullish(v.object({ architecture: v.string(), os: v.string(), variant: v.nullish(v.string()) })),
});

const manifestSchema = v.object({
  mediaType: v.nullish(v.string()),
  manifests: v.optional(v.array(descriptorSchema)),
  config: v.optional(descriptorSchema),
  layers: v.optional(v.array(descriptorSchema)),
});

type Descriptor = v.InferOutput<typeof descriptorSchema>;
type Document = v.InferOutput<typeof manifestSchema>;

/** What reading an image of a layout needs. */
export type LayoutParts = {
  readonly layers: LayerStore;
  /** Holds the image's layers as long as the build lasts. */
  readonly lease: LayerLease;
  readonly signal: AbortSignal;
};

/**
 * Takes an image out of an OCI layout: its layers into the store, where the build holds them, and nothing into the
 * catalogue. Every digest is checked. Throws when the layout has no such image, or none for the platform.
 * @param name the context's, for messages
 */
export async function readLayoutImage(
  parts: LayoutParts,
  layout: { readonly blobs: LayoutBlobs; readonly reference: LayoutReference },
  name: string,
  platform: Platform,
): Promise<ImageRecord> {
  const { blobs, reference } = layout;
  const { signal, layers, lease } = parts;
  const invalid = (reason: string) => errors["build-layout-invalid"](name, reason);
  const read = async (digest: Digest, limit: number): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of blobs.blob(digest, signal)) {
      size += chunk.length;
      if (size > limit) throw invalid(`${digest} is too large`);
      chunks.push(chunk);
    }
    const bytes = Buffer.concat(chunks);
    if (digestOf(bytes) !== digest) throw invalid(`${digest} has other content`);
    return bytes;
  };
  const parse = (bytes: Uint8Array, what: string): Document => {
    try {
      return v.parse(manifestSchema, JSON.parse(Buffer.from(bytes).toString("utf8")));
    } catch (error) {
      throw invalid(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  let digest = reference.digest ?? (await digestOfTag(blobs, reference.tag, parse, invalid, signal));
  for (let depth = 0; ; depth++) {
    const document = parse(await read(digest, documentBytes), digest);
    if (document.manifests !== undefined) {
      if (depth > 3) throw invalid("its indexes are nested too deeply");
      digest = manifestFor(document.manifests, platform, invalid);
      continue;
    }
    if (document.config === undefined) throw invalid(`${digest} is no image`);
    const configBytes = await read(document.config.digest, CONFIG_LIMIT);
    const config = parseImageConfig(configBytes);
    const diffIds = config.rootfs.diff_ids;
    if (diffIds.length !== (document.layers ?? []).length) {
      throw invalid("its config and its manifest name different numbers of layers");
    }
    for (const [index, diffId] of diffIds.entries()) {
      lease.add(diffId);
      if (layers.has(diffId)) continue;
      const descriptor = document.layers?.[index] as Descriptor;
      await layers.apply(blobs.blob(descriptor.digest, signal), { expected: diffId });
    }
    return {
      id: digestOf(configBytes),
      config,
      manifestDigest: digest,
      sizeBytes: diffIds.reduce((sum, diffId) => sum + layers.sizeOf(diffId), 0),
      repoTags: [],
      repoDigests: [],
      lastTaggedMs: 0,
    };
  }
}

/** The image a tag of the layout's index names; without a tag (or with "latest") the only one there is. */
async function digestOfTag(
  blobs: LayoutBlobs,
  tag: string | undefined,
  parse: (bytes: Uint8Array, what: string) => Document,
  invalid: (reason: string) => Error,
  signal: AbortSignal,
): Promise<Digest> {
  const bytes = await blobs.index(signal);
  if (bytes === undefined) throw invalid("it has no index.json, so an image in it is named by digest only");
  const { manifests = [] } = parse(bytes, "index.json");
  const wanted = tag ?? "latest";
  const named = manifests.find(({ annotations }) => {
    const name = annotations?.["org.opencontainers.image.ref.name"];
    return name === wanted || name?.endsWith(`:${wanted}`) === true;
  });
  const found = named ?? (manifests.length === 1 && wanted === "latest" ? manifests[0] : undefined);
  if (found === undefined) throw invalid(`it has no image ${JSON.stringify(wanted)}`);
  return found.digest;
}

function manifestFor(manifests: readonly Descriptor[], platform: Platform, invalid: (reason: string) => Error): Digest {
  const isImage = ({ mediaType }: Descriptor) =>
    [
      mediaTypes.ociManifest,
      mediaTypes.dockerManifest,
      mediaTypes.ociIndex,
      mediaTypes.dockerManifestList,
      "",
    ].includes(mediaType);
  const fits = (of: Descriptor["platform"]) =>
    of === null || of === undefined || platformFits(platform, { ...of, variant: of.variant ?? undefined });
  const found = manifests.find((descriptor) => isImage(descriptor) && fits(descriptor.platform));
  if (found === undefined) throw invalid(`it has no image for ${formatPlatform(platform)}`);
  return found.digest;
}

/** An OCI layout that is a tree of files, opened when it is first read. */
export function layoutOfTree(open: (signal: AbortSignal) => Promise<SourceTree>): LayoutBlobs {
  let opened: Promise<SourceTree> | undefined;
  const tree = (signal: AbortSignal) => (opened ??= open(signal));
  async function* bytes(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const source = await tree(signal);
    const entry = resolveInTree(source, toByteString(path));
    if (entry === undefined || entry.type !== "file")
      throw errors["build-layout-invalid"](path, "there is no such file");
    const reader = source.open(entry);
    try {
      for (let offset = 0; offset < entry.sizeBytes;) {
        const buffer = Buffer.alloc(Math.min(1 << 20, entry.sizeBytes - offset));
        const count = reader.read(buffer, offset);
        if (count === 0) return;
        yield buffer.subarray(0, count);
        offset += count;
      }
    } finally {
      reader.close();
    }
  }
  return {
    blob: (digest, signal) => bytes(`blobs/${digest.replace(":", "/")}`, signal),
    index: async (signal) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of bytes("index.json", signal)) {
        size += chunk.length;
        if (size > documentBytes) throw errors["build-layout-invalid"]("index.json", "it is too large");
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    // One that could not be opened said so to whoever wanted it.
    close: () => void opened?.then((source) => source.close()).catch(() => {}),
  };
}

/** Reads "STORE[:TAG][@DIGEST]", what follows "oci-layout://"; undefined when it is none. */
export function parseLayoutReference(
  text: string,
): { readonly store: string; readonly reference: LayoutReference } | undefined {
  const match = /^([^:@]+?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(text);
  const [, store, tag, digest] = match ?? [];
  if (store === undefined) return undefined;
  return { store, reference: { tag, digest: digest === undefined ? undefined : digest } };
}
