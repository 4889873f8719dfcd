import type { RegistryCredentials, RemoteRepository } from "#registry";
import { splitRepository, parseReference } from "#formats";
import type { Blob } from "./blob.ts";
import type { PushImage } from "./settings.ts";
import { exportErrors as errors } from "./errors.ts";

/** Opens a repository ("docker.io/library/debian") as a user. */
export type OpenRemote = (
  name: string,
  access: "pull" | "push",
  credentials: RegistryCredentials,
) => Promise<RemoteRepository>;

/** Layers on their way at once. */
const parallelUploads = 3;

/** Pushes with the credentials of whoever asked for the build. Manifests go after what they name, the tag last. */
export function pusher(
  open: OpenRemote,
  credentialsFor: (registry: string) => Promise<RegistryCredentials | undefined>,
): PushImage {
  return async (name, image, options, progress, signal) => {
    const reference = parseReference(name.canonical);
    const { domain } = splitRepository(reference.repository);
    if (options.insecure) {
      throw errors["export-option"](
        "registry",
        "registry.insecure",
        `name ${domain} to the daemon with --insecure-registry instead`,
      );
    }
    const repository = await open(reference.repository, "push", (await credentialsFor(domain)) ?? {});
    const waiting = [...image.blobs];
    const worker = async () => {
      for (let blob = waiting.shift(); blob !== undefined; blob = waiting.shift()) {
        await pushBlob(repository, blob, progress, signal);
      }
    };
    await Promise.all(Array.from({ length: parallelUploads }, worker));
    for (const manifest of image.manifests) await putManifest(repository, manifest, undefined, signal);
    await putManifest(repository, image.root, options.byDigest ? undefined : (reference.tag ?? "latest"), signal);
  };
}

async function pushBlob(
  repository: RemoteRepository,
  blob: Blob,
  progress: Parameters<PushImage>[3],
  signal: AbortSignal,
): Promise<void> {
  const id = `pushing ${blob.digest}`;
  if (await repository.hasBlob(blob.digest, signal)) {
    progress(id, blob.sizeBytes, blob.sizeBytes);
    return;
  }
  await repository.upload(
    { digest: blob.digest, sizeBytes: blob.sizeBytes, open: blob.open },
    { signal, onBytes: (sent) => progress(id, sent, blob.sizeBytes) },
  );
  progress(id, blob.sizeBytes, blob.sizeBytes);
}

async function putManifest(
  repository: RemoteRepository,
  manifest: Blob,
  tag: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of manifest.open()) chunks.push(chunk);
  await repository.putManifest({ bytes: Buffer.concat(chunks), mediaType: manifest.mediaType }, tag, signal);
}
