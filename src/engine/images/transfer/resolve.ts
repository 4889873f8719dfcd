import { type Digest, digestOf } from "#base";
import {
  choosePlatform,
  type Descriptor,
  fitsPlatform,
  hostPlatform,
  type ImageConfig,
  type ImageManifest,
  type Platform,
  platformText,
} from "#formats";
import { CONFIG_LIMIT, parseImageConfig } from "#images";
import type { RemoteManifest, RemoteRepository } from "#registry";
import { errors } from "../../errors.ts";
import type { TransferParts } from "./parts.ts";

/** An image at a registry: everything of it but its layers. */
export type RemoteImage = {
  /** What the tag or digest stands for: an index or a manifest. */
  readonly top: RemoteManifest;
  /** The index, when that is what the tag stands for. */
  readonly index: { readonly bytes: Uint8Array; readonly mediaType: string } | undefined;
  readonly manifest: { readonly bytes: Uint8Array; readonly mediaType: string; readonly document: ImageManifest };
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly configBytes: Uint8Array;
  readonly layers: readonly { readonly diffId: Digest; readonly descriptor: Descriptor }[];
};

/** Indexes in indexes are followed so far. */
const DEEPEST = 4;

async function readConfig(repository: RemoteRepository, descriptor: Descriptor, name: string, signal: AbortSignal) {
  if (descriptor.size > CONFIG_LIMIT) throw errors.imageNotUsable(name, `its config has ${descriptor.size} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.blob(descriptor, { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/**
 * Finds the image for a platform behind a tag or digest: follows indexes, reads and checks the manifest and the config.
 * @param name as the user wrote it, for errors
 */
export async function resolveImage(
  parts: TransferParts,
  repository: RemoteRepository,
  request: { readonly reference: string; readonly platform: Platform | undefined; readonly name: string },
  signal: AbortSignal,
): Promise<RemoteImage> {
  const { documents } = await parts.registry();
  const { name, platform } = request;
  const wanted = platform ?? hostPlatform();
  const top = await repository.manifest(request.reference, signal);
  const { mediaType: topType } = documents.parseManifest(top.bytes, top.mediaType, name);

  const follow = async (found: RemoteManifest, depth: number): Promise<RemoteImage | undefined> => {
    const parsed = documents.parseManifest(found.bytes, found.mediaType, name);
    if (parsed.kind === "image") {
      const { manifest } = parsed;
      documents.assertImage(manifest, name);
      const configBytes = await readConfig(repository, manifest.config, name, signal);
      const config = parseImageConfig(configBytes);
      const diffIds = config.rootfs.diff_ids;
      if (diffIds.length !== manifest.layers.length) {
        throw errors.imageNotUsable(
          name,
          `its config names ${diffIds.length} layers, its manifest ${manifest.layers.length}`,
        );
      }
      return {
        top,
        index: depth === 0 ? undefined : { bytes: top.bytes, mediaType: topType },
        manifest: { bytes: found.bytes, mediaType: parsed.mediaType, document: manifest },
        id: digestOf(configBytes),
        config,
        configBytes,
        layers: diffIds.map((diffId, index) => ({ diffId, descriptor: manifest.layers[index] as Descriptor })),
      };
    }
    if (depth >= DEEPEST) throw errors.imageNotUsable(name, "its indexes are nested too deeply");
    for (const entry of choosePlatform(parsed.index.manifests, wanted)) {
      const inner = await repository.manifest(entry.digest, signal);
      if (inner.bytes.byteLength !== entry.size) {
        throw errors.imageNotUsable(
          name,
          `its index says ${entry.size} bytes of a manifest of ${inner.bytes.byteLength}`,
        );
      }
      const image = await follow({ ...inner, mediaType: entry.mediaType || inner.mediaType }, depth + 1);
      if (image !== undefined) return image;
    }
    if (depth > 0) return undefined;
    const offered = parsed.index.manifests.flatMap((entry) =>
      entry.platform === undefined || entry.platform.os === "unknown" ? [] : [platformText(entry.platform)],
    );
    throw errors.imageNoPlatform(platformText(wanted), [...new Set(offered)].slice(0, 20).join(", "));
  };

  const image = await follow(top, 0);
  if (image === undefined) throw errors.imageNoPlatform(platformText(wanted), "");
  const { config } = image;
  if (config.os !== "linux") {
    throw errors.imageNotUsable(name, `image operating system "${config.os}" cannot be used on this platform`);
  }
  // Without an index there is nothing to choose from; somebody who asks for a platform gets that or an error. An index's
  // word counts: it may have been annotated.
  const isFromIndex = top.bytes !== image.manifest.bytes;
  if (platform !== undefined && !isFromIndex && !fitsPlatform(platform, config)) {
    throw errors.imageOtherPlatform(name, platformText(platform), platformText(config));
  }
  return image;
}
