import { createHash, randomBytes } from "node:crypto";

export type DigestAlgorithm = "sha256" | "sha512";

/** `sha256:…` of bytes. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export const types = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  foreignLayer: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  empty: "application/vnd.oci.empty.v1+json",
  firstArtifact: "application/vnd.example.specification.v1",
  secondArtifact: "application/vnd.example.specification.v2",
} as const;

type Descriptor = {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly urls?: readonly string[];
  readonly data?: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
};

/** A manifest of a set, and what the registry must say of it as a referrer. */
type SampleManifest = {
  readonly digest: string;
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly subject?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
};

export type ManifestOptions = {
  readonly tag?: string;
  readonly algorithm?: DigestAlgorithm;
  readonly layers?: number | readonly Descriptor[];
  readonly layerType?: string;
  readonly layerBytes?: Buffer;
  /** The config of an artifact; an image's is made. */
  readonly emptyConfig?: boolean;
  readonly artifactType?: string;
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Descriptors carry what they describe. */
  readonly withData?: boolean;
  /** Fields nobody knows, in every document. */
  readonly withUnknownFields?: boolean;
};

/** Content to push: blobs, then manifests in this order, then tags. */
export type SampleSet = {
  readonly blobs: Map<string, Buffer>;
  readonly manifests: SampleManifest[];
  readonly tags: Map<string, string>;
  addBlob(bytes: Buffer, mediaType: string, options?: ManifestOptions): Descriptor;
  addImage(options?: ManifestOptions): Descriptor;
  addIndex(entries: readonly Descriptor[], options?: ManifestOptions): Descriptor;
  /** Two images of two platforms, and the index over them. */
  addPlatforms(options?: ManifestOptions): Descriptor;
};

/** An empty set. Everything in it is random: no two sets share a blob but those that must. */
export function createSampleSet(): SampleSet {
  const blobs = new Map<string, Buffer>();
  const manifests: SampleManifest[] = [];
  const tags = new Map<string, string>();

  const unknown = ({ withUnknownFields }: ManifestOptions) =>
    withUnknownFields === true ? { [`org.example.${randomBytes(4).toString("hex")}`]: { anything: [1, null] } } : {};

  const describe = (bytes: Buffer, mediaType: string, { algorithm, withData }: ManifestOptions): Descriptor => ({
    mediaType,
    digest: digestOf(bytes, algorithm),
    size: bytes.length,
    ...(withData === true ? { data: bytes.toString("base64") } : {}),
  });

  const addBlob: SampleSet["addBlob"] = (bytes, mediaType, options = {}) => {
    const descriptor = describe(bytes, mediaType, options);
    blobs.set(descriptor.digest, bytes);
    return descriptor;
  };

  const addManifest = (
    document: Readonly<Record<string, unknown>>,
    mediaType: string,
    configType: string | undefined,
    options: ManifestOptions,
  ): Descriptor => {
    const { artifactType, subject, annotations } = options;
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType,
        ...document,
        artifactType,
        subject,
        annotations,
        ...unknown(options),
      }),
    );
    const descriptor = describe(bytes, mediaType, options);
    manifests.push({
      digest: descriptor.digest,
      bytes,
      mediaType,
      subject: subject?.digest,
      artifactType: artifactType ?? configType,
      annotations,
    });
    if (options.tag !== undefined) tags.set(options.tag, descriptor.digest);
    return descriptor;
  };

  const addImage: SampleSet["addImage"] = (options = {}) => {
    const { layers = 2, layerType = types.layer, emptyConfig = false } = options;
    const descriptors =
      typeof layers === "number"
        ? Array.from({ length: layers }, () => addBlob(options.layerBytes ?? randomBytes(1500), layerType, options))
        : layers;
    const configType = emptyConfig ? types.empty : types.config;
    const config = emptyConfig
      ? {}
      : {
          architecture: "amd64",
          os: "linux",
          author: randomBytes(8).toString("hex"),
          rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
          ...unknown(options),
        };
    const configDescriptor = addBlob(Buffer.from(JSON.stringify(config)), configType, options);
    return addManifest({ config: configDescriptor, layers: descriptors }, types.manifest, configType, options);
  };

  const addIndex: SampleSet["addIndex"] = (entries, options = {}) =>
    addManifest({ manifests: entries }, types.index, undefined, options);

  return {
    blobs,
    manifests,
    tags,
    addBlob,
    addImage,
    addIndex,
    addPlatforms: (options = {}) => {
      const { tag: _tag, subject: _subject, ...inner } = options;
      const entries = ["amd64", "arm64"].map((architecture) => ({
        ...addImage(inner),
        platform: { os: "linux", architecture },
      }));
      return addIndex(entries, options);
    },
  };
}
