import type { Digest } from "#base";
import type { ContainerConfig } from "../docker/container.ts";

/** OCI image spec: descriptor.md. */
export type Descriptor = {
  mediaType: string;
  digest: Digest;
  size: number;
  annotations?: Record<string, string>;
  platform?: Platform;
  artifactType?: string;
  /** Where else the contents are, for layers that registries do not carry. */
  urls?: string[];
};

/** OCI image spec: image-index.md, "platform". */
export type Platform = { architecture: string; os: string; variant?: string; "os.version"?: string };

/** OCI image spec: manifest.md. */
export type ImageManifest = {
  schemaVersion: 2;
  mediaType?: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
};

/** OCI image spec: image-index.md. */
export type ImageIndex = {
  schemaVersion: 2;
  mediaType?: string;
  manifests: Descriptor[];
  annotations?: Record<string, string>;
};

/** One line of an image's history (config.md). */
export type HistoryEntry = {
  created?: string;
  created_by?: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
};

/**
 * The image configuration (OCI image spec: config.md) with the fields Docker adds. Its bytes are hashed into the
 * image id, so a stored config is kept as bytes and never re-serialised.
 */
export type ImageConfig = Platform & {
  created?: string;
  author?: string;
  config?: ContainerConfig;
  rootfs: { type: "layers"; diff_ids: Digest[] };
  history?: HistoryEntry[];
  /** Docker: the container an image was committed from, and its config. */
  container?: string;
  container_config?: ContainerConfig;
  docker_version?: string;
};

/** Media types of OCI images and of Docker's schema 2. */
export const mediaTypes = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
} as const;
