import { type Digest, isDigest } from "#base";
import { familiarName, type Platform, withDefaultTag } from "#formats";
import { CONFIG_LIMIT, parseImageConfig } from "#images";
import type { RegistryCredentials } from "#registry";
import { errors } from "../../errors.ts";
import type { TransferParts } from "./parts.ts";
import { readReference } from "./reference.ts";

/** What a registry has under a name. */
export type Distribution = {
  readonly descriptor: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
  readonly platforms: readonly Platform[];
};

/** Asks the registry what a name stands for, without fetching the image (`GET /distribution/{name}/json`). */
export async function inspectDistribution(
  parts: TransferParts,
  text: string,
  credentials: RegistryCredentials,
  signal: AbortSignal,
): Promise<Distribution> {
  const reference = withDefaultTag(readReference(text));
  if (reference.digest !== undefined && !isDigest(reference.digest)) {
    throw errors.imageReferenceBad("unsupported digest algorithm");
  }
  const { client, documents } = await parts.registry();
  const repository = client.repository(reference.repository, { credentials, access: "pull" });
  const found = await repository.manifest(reference.digest ?? reference.tag ?? "latest", signal);
  const parsed = documents.parseManifest(found.bytes, found.mediaType, familiarName(reference));
  const descriptor = { mediaType: parsed.mediaType, digest: found.digest, size: found.bytes.byteLength };
  if (parsed.kind === "index") {
    return { descriptor, platforms: parsed.index.manifests.flatMap(({ platform }) => platform ?? []) };
  }
  const { config } = parsed.manifest;
  if (config.size > CONFIG_LIMIT) return { descriptor, platforms: [] };
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.blob(config, { signal })) chunks.push(chunk);
  try {
    const { os, architecture, variant } = parseImageConfig(Buffer.concat(chunks));
    return { descriptor, platforms: [{ architecture, os, ...(variant === undefined ? {} : { variant }) }] };
  } catch {
    // No image: a chart, a signature. It has no platform.
    return { descriptor, platforms: [] };
  }
}
