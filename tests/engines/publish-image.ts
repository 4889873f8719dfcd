import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGzip, createZstdCompress } from "node:zlib";
import { type Digest, digestOf } from "#base";
import { loadRegistryClient } from "#registry";

/** A layer to publish: its tar, which may be made more than once. */
export type LayerToPublish = () => Iterable<Buffer>;

/** Puts an image into a registry without an engine: what it is made of is known byte by byte. */
export async function publishImage(
  host: string,
  repository: string,
  tag: string,
  layers: readonly LayerToPublish[],
  options: {
    readonly compression?: "gzip" | "zstd" | "none";
    readonly config?: Readonly<Record<string, unknown>>;
  } = {},
): Promise<{ readonly digest: Digest; readonly diffIds: readonly Digest[]; readonly sizeBytes: number }> {
  const { compression = "gzip" } = options;
  const { createRegistryClient } = await loadRegistryClient();
  const client = createRegistryClient({
    insecureRegistries: [],
    mirrors: [],
    certificateDirectories: [],
    userAgent: "test",
  });
  const target = client.repository(`${host}/${repository}`, { credentials: {}, access: "push" });
  const isOci = compression === "zstd";
  const suffix = { gzip: "+gzip", zstd: "+zstd", none: "" }[compression];
  const layerType =
    compression === "gzip"
      ? "application/vnd.docker.image.rootfs.diff.tar.gzip"
      : `application/vnd.oci.image.layer.v1.tar${suffix}`;
  try {
    await target.digestOf("none");
    const descriptors = [];
    const diffIds: Digest[] = [];
    let total = 0;
    for (const layer of layers) {
      let hash = createHash("sha256");
      const tar = function* () {
        hash = createHash("sha256");
        for (const chunk of layer()) {
          hash.update(chunk);
          total += chunk.length;
          yield chunk;
        }
      };
      const packed = (): AsyncIterable<Uint8Array> => {
        const source = Readable.from(tar());
        if (compression === "none") return source as AsyncIterable<Uint8Array>;
        return source.pipe(
          compression === "zstd" ? createZstdCompress() : createGzip({ level: 4 }),
        ) as AsyncIterable<Uint8Array>;
      };
      const { digest, sizeBytes } = await target.upload({ open: packed }, {});
      descriptors.push({ mediaType: layerType, size: sizeBytes, digest });
      diffIds.push(`sha256:${hash.digest("hex")}`);
    }
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === "arm64" ? "arm64" : "amd64",
        os: "linux",
        config: { Cmd: ["true"] },
        ...options.config,
        rootfs: { type: "layers", diff_ids: diffIds },
      }),
    );
    const configDigest = digestOf(config);
    await target.upload(
      {
        digest: configDigest,
        sizeBytes: config.length,
        async *open() {
          yield config;
        },
      },
      {},
    );
    const mediaType = `application/vnd.${isOci || compression === "none" ? "oci.image.manifest.v1" : "docker.distribution.manifest.v2"}+json`;
    const manifest = {
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: mediaType.includes("oci")
          ? "application/vnd.oci.image.config.v1+json"
          : "application/vnd.docker.container.image.v1+json",
        size: config.length,
        digest: configDigest,
      },
      layers: descriptors,
    };
    const digest = await target.putManifest({ bytes: Buffer.from(JSON.stringify(manifest)), mediaType }, tag);
    return { digest, diffIds, sizeBytes: total };
  } finally {
    client.close();
  }
}
