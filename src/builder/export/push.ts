import type { RegistryCredentials, RemoteRepository } from "#registry";
import { splitRepository, parseReference } from "#formats";
import type { OpenRepository } from "../cache/transfer/locations.ts";
import type { Blob } from "./blob.ts";
import type { PushImage } from "./settings.ts";

/** Layers on their way at once. */
const parallelUploads = 3;

/** Pushes with the credentials of whoever asked for the build. Manifests go after what they name, the tag last. */
export function pusher(
  open: OpenRepository,
  credentialsFor: (registry: string) => Promise<RegistryCredentials | undefined>,
): PushImage {
  return async (name, image, options, progress, signal) => {
    const reference = parseReference(name.canonical);
    const { domain } = splitRepository(reference.repository);
    const credentials = (await credentialsFor(domain)) ?? {};
    const insecure = options.insecure ? { insecure: true } : {};
    const repository = await open(reference.repository, "push", credentials, insecure);
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
