import * as v from "valibot";
import { type Digest, EngineError, isDigest } from "#base";
import { hostPlatform, type ImageManifest, mediaTypes, type Platform, platformRank, platformText } from "#formats";
import { CONFIG_LIMIT } from "../catalog/image-config.ts";
import { errors } from "../errors.ts";
import type { Spool, SpooledFile } from "./spool.ts";

/** An image of an archive: where its parts are, and what they must be. */
export type ArchivedImage = {
  readonly config: SpooledFile;
  readonly layers: readonly SpooledFile[];
  /** As the archive names it; may be nothing. */
  readonly tags: readonly string[];
  /** Its manifest, when the archive has it. */
  readonly manifest?: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
  /** The index that names the manifest, when the archive has the image for several platforms. */
  readonly index?: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
};

/** Limits of the OCI specification's documents; the layers have none. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;
const MOST_IMAGES = 1000;

const dockerManifestSchema = v.pipe(
  v.array(
    v.object({
      Config: v.string(),
      RepoTags: v.nullish(v.array(v.string()), []),
      Layers: v.nullish(v.array(v.string()), []),
    }),
  ),
  v.maxLength(MOST_IMAGES),
);

const digestSchema = v.pipe(
  v.string(),
  v.check((text) => isDigest(text), "malformed digest"),
);

const descriptorSchema = v.object({
  mediaType: v.nullish(v.string(), ""),
  digest: digestSchema,
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
  annotations: v.nullish(v.record(v.string(), v.string())),
  platform: v.nullish(
    v.object({
      architecture: v.nullish(v.string(), ""),
      os: v.nullish(v.string(), ""),
      variant: v.nullish(v.string()),
    }),
  ),
});

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.nullish(v.string()),
  manifests: v.pipe(v.array(descriptorSchema), v.maxLength(MOST_IMAGES)),
  // A document that is manifest and index at once means different things to different readers (CVE-2021-41190).
  layers: v.optional(v.never("an index has no layers")),
  config: v.optional(v.never("an index has no config")),
});

const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.nullish(v.string()),
  config: descriptorSchema,
  layers: v.array(descriptorSchema),
  manifests: v.optional(v.never("a manifest has no manifests")),
});

type Index = v.InferOutput<typeof indexSchema>;
type DescriptorIn = v.InferOutput<typeof descriptorSchema>;

function parse<Schema extends v.GenericSchema>(schema: Schema, text: string, what: string): v.InferOutput<Schema> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw errors.imageArchiveInvalid(`${what} is not JSON`);
  }
  const result = v.safeParse(schema, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw errors.imageArchiveInvalid(`${what}: ${v.getDotPath(issue) ?? "document"}: ${issue.message}`);
}

function member(spool: Spool, path: string): SpooledFile {
  const file = spool.find(path);
  if (file === undefined) throw errors.imageArchiveInvalid(`"${path}" is not in it`);
  return file;
}

function blobName({ digest }: DescriptorIn): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** A blob of a layout: its name promises its digest, the descriptor its size. */
function blob(spool: Spool, descriptor: DescriptorIn): SpooledFile {
  const file = member(spool, blobName(descriptor));
  if (file.digest !== descriptor.digest || file.sizeBytes !== descriptor.size) {
    throw errors.imageArchiveInvalid(`blob ${descriptor.digest} does not match its digest and size`);
  }
  return file;
}

function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerManifestList;
}

type Picked = {
  readonly descriptor: DescriptorIn;
  readonly names: readonly string[];
  readonly index: ArchivedImage["index"];
};

function platformOf(descriptor: DescriptorIn): Platform | undefined {
  const { os = "", architecture = "", variant } = descriptor.platform ?? {};
  if (!os || !architecture) return undefined;
  return { os, architecture, ...(variant === null || variant === undefined ? {} : { variant }) };
}

/** Attestations are manifests for no platform; what names none may be for any. */
function isAttestation(descriptor: DescriptorIn): boolean {
  return descriptor.platform?.os === "unknown";
}

/** What a layout calls an image: "ref.name" is a whole name when podman writes it, and no more than a tag when skopeo does. */
function namesOf(descriptor: DescriptorIn, otherwise: readonly string[]): readonly string[] {
  const annotations = descriptor.annotations ?? {};
  const refName = annotations["org.opencontainers.image.ref.name"];
  const name =
    annotations["io.containerd.image.name"] ?? (refName !== undefined && /[/:]/.test(refName) ? refName : undefined);
  return name === undefined ? otherwise : [name];
}

/** The manifests below an index that the archive has, its indexes followed. */
function manifestsBelow(spool: Spool, entries: Index["manifests"], depth: number): DescriptorIn[] {
  if (depth > 4) throw errors.imageArchiveInvalid("its indexes are nested too deeply");
  return entries.flatMap((descriptor) => {
    // An archive need not have all of an index: it may have been saved where not all of it was.
    if (isAttestation(descriptor) || spool.find(blobName(descriptor)) === undefined) return [];
    if (!isIndexType(descriptor.mediaType)) return [descriptor];
    return manifestsBelow(spool, parse(indexSchema, documentText(spool, descriptor), "index").manifests, depth + 1);
  });
}

function documentText(spool: Spool, descriptor: DescriptorIn): string {
  return Buffer.from(spool.bytes(blob(spool, descriptor), MANIFEST_LIMIT, "an index")).toString("utf8");
}

/** The manifests for a platform, or those that name none. */
function forPlatform(descriptors: readonly DescriptorIn[], platform: Platform): readonly DescriptorIn[] {
  const ranked = descriptors.flatMap((descriptor) => {
    const own = platformOf(descriptor);
    const rank = own === undefined ? Number.MAX_SAFE_INTEGER : platformRank(platform, own);
    return rank === undefined ? [] : [{ descriptor, rank }];
  });
  return ranked.toSorted((one, other) => one.rank - other.rank).map(({ descriptor }) => descriptor);
}

/**
 * The manifests of a layout that are to be loaded. An entry that is an index is one image for several platforms: all of
 * it, or the one that is asked for. Of entries that are manifests those for this machine, or for the platform.
 */
function pickManifests(spool: Spool, top: Index, platform: Platform | undefined): Picked[] {
  const wanted = platform ?? hostPlatform();
  const missing = (names: readonly string[]) =>
    errors.imagePlatformMissing(names[0] ?? "of the archive", platformText(wanted));
  const plain = top.manifests.filter((descriptor) => !isIndexType(descriptor.mediaType) && !isAttestation(descriptor));
  const indexes = top.manifests.filter((descriptor) => isIndexType(descriptor.mediaType));
  const ours = forPlatform(plain, wanted);
  if (ours.length === 0 && indexes.length === 0 && top.manifests.length > 0) throw missing([]);
  const picked: Picked[] = plain
    .filter((descriptor) => ours.includes(descriptor))
    .map((descriptor) => ({ descriptor, names: namesOf(descriptor, []), index: undefined }));
  for (const entry of indexes) {
    const names = namesOf(entry, []);
    const bytes = spool.bytes(blob(spool, entry), MANIFEST_LIMIT, "an index");
    const { manifests } = parse(indexSchema, Buffer.from(bytes).toString("utf8"), "index");
    const here = manifestsBelow(spool, manifests, 1);
    const chosen = platform === undefined ? here : forPlatform(here, platform).slice(0, 1);
    if (chosen.length === 0) throw missing(names);
    // Asked for one platform, the name stands for that image and no index.
    const index = platform === undefined ? { bytes, mediaType: entry.mediaType } : undefined;
    for (const descriptor of chosen) picked.push({ descriptor, names: namesOf(descriptor, names), index });
  }
  return picked;
}

function readLayout(spool: Spool, text: string, platform: Platform | undefined): ArchivedImage[] {
  const layout = spool.text("oci-layout", 1024);
  if (layout === undefined) throw errors.imageArchiveInvalid("it has an index.json but no oci-layout");
  const images = new Map<Digest, ArchivedImage>();
  for (const { descriptor, names, index } of pickManifests(spool, parse(indexSchema, text, "index.json"), platform)) {
    const known = images.get(descriptor.digest);
    if (known !== undefined) {
      images.set(descriptor.digest, { ...known, tags: [...known.tags, ...names], index: known.index ?? index });
      continue;
    }
    const bytes = spool.bytes(blob(spool, descriptor), MANIFEST_LIMIT, "a manifest");
    const manifest = parse(manifestSchema, Buffer.from(bytes).toString("utf8"), "manifest");
    images.set(descriptor.digest, {
      config: blob(spool, manifest.config),
      layers: manifest.layers.map((layer) => blob(spool, layer)),
      tags: names,
      manifest: { bytes, mediaType: descriptor.mediaType === "" ? mediaTypes.ociManifest : descriptor.mediaType },
      index,
    });
  }
  return [...images.values()];
}

/** The layout that a docker-archive is as well; nothing where it is none that can be read. */
function layoutBeside(spool: Spool, platform: Platform | undefined): readonly ArchivedImage[] {
  const text = spool.text("index.json", MANIFEST_LIMIT);
  if (text === undefined || spool.text("oci-layout", 1024) === undefined) return [];
  try {
    return readLayout(spool, text, platform);
  } catch (error) {
    // The docker-archive is whole without it.
    if (error instanceof EngineError) return [];
    throw error;
  }
}

/** Layers that an archive only has without compression would be pushed so. */
function isWorthKeeping({ layers, manifest, index }: ArchivedImage): boolean {
  if (manifest === undefined) return false;
  const { layers: descriptors } = JSON.parse(Buffer.from(manifest.bytes).toString("utf8")) as ImageManifest;
  return (
    index !== undefined || layers.length === 0 || descriptors.some(({ mediaType }) => /gzip$|zstd$/.test(mediaType))
  );
}

function isSameImage(one: ArchivedImage, other: ArchivedImage): boolean {
  return (
    one.config.digest === other.config.digest &&
    one.layers.length === other.layers.length &&
    one.layers.every(({ digest }, at) => digest === other.layers[at]?.digest)
  );
}

/**
 * Finds the images of an archive: a docker-archive (any age since manifest.json) or an OCI layout. One that is both has
 * what the docker-archive names, with the manifests of the layout, and the other platforms of its indexes.
 * @param platform of an image for several platforms only this one
 */
export function readArchivedImages(spool: Spool, platform: Platform | undefined): ArchivedImage[] {
  const docker = spool.text("manifest.json", CONFIG_LIMIT);
  if (docker !== undefined) {
    const beside = layoutBeside(spool, platform);
    // The docker-archive lists one platform of each image; the layout knows the others.
    if (platform !== undefined && beside.length > 0) return [...beside];
    const listed = parse(dockerManifestSchema, docker, "manifest.json").map((image): ArchivedImage => ({
      config: member(spool, image.Config),
      layers: image.Layers.map((path) => member(spool, path)),
      tags: image.RepoTags,
    }));
    const images = listed.map((image) => {
      const own = beside.find((other) => isSameImage(image, other) && isWorthKeeping(other));
      return own === undefined ? image : { ...image, manifest: own.manifest, index: own.index };
    });
    const further = beside.filter(
      ({ index, ...image }) => index !== undefined && !listed.some((other) => isSameImage(image, other)),
    );
    return [...images, ...further];
  }
  const index = spool.text("index.json", MANIFEST_LIMIT);
  if (index !== undefined) return readLayout(spool, index, platform);
  throw errors.imageArchiveInvalid("it has neither a manifest.json nor an index.json");
}
