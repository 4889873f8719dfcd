import { EngineError } from "#base";
import {
  canonicalName,
  familiarName,
  type ImageReference,
  parseReference,
  type Platform,
  ReferenceFormatError,
  splitRepository,
  withDefaultTag,
} from "#formats";
import {
  defaultCertificateDirectories,
  loadRegistryClient,
  type RemoteManifest,
  type RemoteRepository,
} from "#registry";
import { findCredentials, serverOf } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { berthVersion } from "../version.ts";
import type { ListedManifest } from "./manifest-store.ts";

/** Registries as this command reaches them: the daemon has no part in manifest lists. */
export type Registries = {
  open(repository: string, access: "pull" | "push", mountFrom?: readonly string[]): Promise<RemoteRepository>;
  readonly documents: Awaited<ReturnType<typeof loadRegistryClient>>;
  close(): void;
};

const CONFIG_LIMIT = 8 * 1024 * 1024;

/** Reads a name; what names neither tag nor digest means `latest`. */
export function readName(text: string): ImageReference {
  try {
    return withDefaultTag(parseReference(text));
  } catch (error) {
    if (error instanceof ReferenceFormatError) throw cliErrors["bad-option"](`${error.message}: ${text}`);
    throw error;
  }
}

/** Opens the registries of some names; with `insecure` they may lack TLS or a known certificate. */
export async function openRegistries(names: readonly ImageReference[], insecure: boolean): Promise<Registries> {
  const documents = await loadRegistryClient();
  const client = documents.createRegistryClient({
    insecureRegistries: insecure ? names.map(({ repository }) => splitRepository(repository).domain) : [],
    mirrors: [],
    certificateDirectories: defaultCertificateDirectories,
    userAgent: `berth/${berthVersion}`,
  });
  return {
    documents,
    open: async (name, access, mountFrom) => {
      const server = serverOf(splitRepository(name).domain);
      const found = await findCredentials(server);
      const credentials = {
        username: found?.username,
        password: found?.password,
        identityToken: found?.identitytoken,
        registryToken: found?.registrytoken,
        serverAddress: server,
      };
      return client.repository(name, { credentials, access, mountFrom });
    },
    close: () => client.close(),
  };
}

/** The manifest that a name stands for. */
export async function fetchManifest(registries: Registries, reference: ImageReference): Promise<RemoteManifest> {
  return topManifest(await registries.open(reference.repository, "pull"), reference);
}

async function topManifest(repository: RemoteRepository, reference: ImageReference): Promise<RemoteManifest> {
  try {
    return await repository.manifest(reference.digest ?? reference.tag ?? "latest");
  } catch (error) {
    if (error instanceof EngineError && error.code === "registryManifestUnknown") {
      throw cliErrors["manifest-unknown"](familiarName(reference));
    }
    throw error;
  }
}

async function platformOf(repository: RemoteRepository, config: { size: number; digest: string; mediaType: string }) {
  if (config.size > CONFIG_LIMIT) throw cliErrors["bad-option"](`the image's config has ${config.size} bytes`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.blob(config)) chunks.push(chunk);
  const document = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
  const text = (key: string) => (typeof document[key] === "string" ? document[key] : "");
  const platform: Platform = { architecture: text("architecture"), os: text("os") };
  if (text("os.version") !== "") platform["os.version"] = text("os.version");
  if (text("variant") !== "") platform.variant = text("variant");
  return platform;
}

/** The manifests a name stands for: one, or those of an index, each with its platform. */
export async function listManifests(
  registries: Registries,
  reference: ImageReference,
): Promise<{ readonly manifests: readonly ListedManifest[]; readonly isIndex: boolean }> {
  const { documents } = registries;
  const repository = await registries.open(reference.repository, "pull");
  const describe = async (found: RemoteManifest, ref: ImageReference, listed: Platform | undefined) => {
    const parsed = documents.parseManifest(found.bytes, found.mediaType, canonicalName(ref));
    if (parsed.kind === "index") throw cliErrors["manifest-conflict"](`${canonicalName(ref)} is a manifest list`);
    const { mediaType, manifest } = parsed;
    const isOci = mediaType === "application/vnd.oci.image.manifest.v1+json";
    const document = JSON.parse(Buffer.from(found.bytes).toString("utf8")) as typeof manifest;
    const entry: ListedManifest = {
      Ref: canonicalName(ref),
      Descriptor: {
        mediaType,
        digest: found.digest,
        size: found.bytes.byteLength,
        platform: listed ?? (await platformOf(repository, manifest.config)),
      },
      Raw: Buffer.from(found.bytes).toString("base64"),
      ...(isOci ? { OCIManifest: document } : { SchemaV2Manifest: document }),
    };
    return entry;
  };
  const top = await topManifest(repository, reference);
  const parsed = documents.parseManifest(top.bytes, top.mediaType, canonicalName(reference));
  if (parsed.kind === "image") return { manifests: [await describe(top, reference, undefined)], isIndex: false };
  const manifests: ListedManifest[] = [];
  for (const { digest, platform } of parsed.index.manifests) {
    const inner = await repository.manifest(digest);
    manifests.push(await describe(inner, { ...reference, digest }, platform));
  }
  return { manifests, isIndex: true };
}
