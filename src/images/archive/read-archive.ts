import * as v from "valibot";
import { type Digest, EngineError, isDigest } from "#base";
import { mediaTypes } from "#formats";
import { CONFIG_LIMIT, hostArchitecture } from "../catalog/image-config.ts";
import { errors } from "../errors.ts";
import type { Spool, SpooledFile } from "./spool.ts";

/** An image of an archive: where its parts are, and what they must be. */
export type ArchivedImage = {
  readonly config: SpooledFile;
  readonly layers: readonly SpooledFile[];
  /** As the archive names it; may be nothing. */
  readonly tags: readonly string[];
  /** The OCI manifest, when the archive is a pure layout. */
  readonly manifest?: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
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
type Manifest = v.InferOutput<typeof manifestSchema>;
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

/** Picks this machine's manifests of an index; nested indexes are followed. */
function pickManifests(
  spool: Spool,
  index: Index,
  names: readonly string[],
  depth: number,
): { descriptor: DescriptorIn; names: readonly string[] }[] {
  if (depth > 4) throw errors.imageArchiveInvalid("its indexes are nested too deeply");
  const here = hostArchitecture();
  const isOurs = (descriptor: DescriptorIn) =>
    descriptor.platform === null ||
    descriptor.platform === undefined ||
    (descriptor.platform.os === "linux" && descriptor.platform.architecture === here);
  const ours = index.manifests.filter((descriptor) => isOurs(descriptor));
  if (ours.length === 0 && index.manifests.length > 0)
    throw errors.imagePlatformMissing(names[0] ?? "of the archive", `linux/${here}`);
  // Below the top, an index is one image for several platforms: the first that fits is it.
  const chosen = depth === 0 ? ours : ours.slice(0, 1);
  return chosen.flatMap((descriptor) => {
    const annotations = descriptor.annotations ?? {};
    // "ref.name" is a whole name when podman writes it, and no more than a tag when skopeo does.
    const refName = annotations["org.opencontainers.image.ref.name"];
    const name =
      annotations["io.containerd.image.name"] ?? (refName !== undefined && /[/:]/.test(refName) ? refName : undefined);
    const own = name === undefined ? names : [name];
    if (!isIndexType(descriptor.mediaType)) return [{ descriptor, names: own }];
    const text = Buffer.from(spool.bytes(blob(spool, descriptor), MANIFEST_LIMIT, "an index")).toString("utf8");
    return pickManifests(spool, parse(indexSchema, text, "index"), own, depth + 1);
  });
}

function readLayout(spool: Spool, text: string): ArchivedImage[] {
  const layout = spool.text("oci-layout", 1024);
  if (layout === undefined) throw errors.imageArchiveInvalid("it has an index.json but no oci-layout");
  const picked = pickManifests(spool, parse(indexSchema, text, "index.json"), [], 0);
  const images = new Map<Digest, ArchivedImage>();
  for (const { descriptor, names } of picked) {
    const known = images.get(descriptor.digest);
    if (known !== undefined) {
      images.set(descriptor.digest, { ...known, tags: [...known.tags, ...names] });
      continue;
    }
    const bytes = spool.bytes(blob(spool, descriptor), MANIFEST_LIMIT, "a manifest");
    const manifest = parse(manifestSchema, Buffer.from(bytes).toString("utf8"), "manifest");
    images.set(descriptor.digest, {
      config: blob(spool, manifest.config),
      layers: manifest.layers.map((layer) => blob(spool, layer)),
      tags: names,
      manifest: { bytes, mediaType: descriptor.mediaType === "" ? mediaTypes.ociManifest : descriptor.mediaType },
    });
  }
  return [...images.values()];
}

/** Every manifest of the layout that a docker-archive is as well; none where it is no layout that can be read. */
function manifestsBeside(
  spool: Spool,
): { readonly bytes: Uint8Array; readonly mediaType: string; readonly document: Manifest }[] {
  const found: { bytes: Uint8Array; mediaType: string; document: Manifest }[] = [];
  const visit = (index: Index, depth: number) => {
    for (const descriptor of index.manifests) {
      if (spool.find(blobName(descriptor)) === undefined) continue;
      const bytes = spool.bytes(blob(spool, descriptor), MANIFEST_LIMIT, "a manifest");
      const text = Buffer.from(bytes).toString("utf8");
      if (!isIndexType(descriptor.mediaType)) {
        found.push({ bytes, mediaType: descriptor.mediaType, document: parse(manifestSchema, text, "manifest") });
      } else if (depth < 4) visit(parse(indexSchema, text, "index"), depth + 1);
    }
  };
  const text = spool.text("index.json", MANIFEST_LIMIT);
  if (text === undefined || spool.text("oci-layout", 1024) === undefined) return [];
  try {
    visit(parse(indexSchema, text, "index.json"), 0);
    return found;
  } catch (error) {
    // The docker-archive is whole without it.
    if (error instanceof EngineError) return [];
    throw error;
  }
}

/** Finds the images of an archive: a docker-archive (any age since manifest.json) or an OCI layout. */
export function readArchivedImages(spool: Spool): ArchivedImage[] {
  const docker = spool.text("manifest.json", CONFIG_LIMIT);
  if (docker !== undefined) {
    const beside = manifestsBeside(spool);
    return parse(dockerManifestSchema, docker, "manifest.json").map((image) => {
      const config = member(spool, image.Config);
      const layers = image.Layers.map((path) => member(spool, path));
      const own = beside.find(
        ({ document }) =>
          document.config.digest === config.digest &&
          document.layers.length === layers.length &&
          document.layers.every(({ digest }, at) => digest === layers[at]?.digest) &&
          // Layers that an archive only has without compression would be pushed so.
          document.layers.some(({ mediaType }) => /gzip$|zstd$/.test(mediaType ?? "")),
      );
      const manifest = own === undefined ? {} : { manifest: { bytes: own.bytes, mediaType: own.mediaType } };
      return { config, layers, tags: image.RepoTags, ...manifest };
    });
  }
  const index = spool.text("index.json", MANIFEST_LIMIT);
  if (index !== undefined) return readLayout(spool, index);
  throw errors.imageArchiveInvalid("it has neither a manifest.json nor an index.json");
}
