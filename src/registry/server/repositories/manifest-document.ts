import { mediaTypes } from "#formats";
import { type ContentDigest, isContentDigest } from "../digest.ts";
import { serverErrors } from "../errors.ts";

/** What a manifest refers to. */
export type ManifestReference = {
  readonly digest: ContentDigest;
  readonly mediaType: string;
  readonly size: number;
  /** Bytes that need not be here: a layer with addresses of its own (image spec, "Foreign layers"). */
  readonly foreign: boolean;
};

/** A manifest as the registry reads it; its bytes stay as they came. */
export type ManifestDocument = {
  readonly mediaType: string;
  /** Config and layers of an image, blobs of an artifact. */
  readonly blobs: readonly ManifestReference[];
  /** Manifests of an index. */
  readonly manifests: readonly ManifestReference[];
  readonly subject: ContentDigest | undefined;
  /** As the referrers API shows it: of the document, or its config's media type. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
};

const artifactManifest = "application/vnd.oci.artifact.manifest.v1+json";
const imageTypes: ReadonlySet<string> = new Set([mediaTypes.ociManifest, mediaTypes.dockerManifest]);
const indexTypes: ReadonlySet<string> = new Set([mediaTypes.ociIndex, mediaTypes.dockerManifestList]);
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/;

/** More are no image but an attack on whoever has to check them. */
const MAXIMUM_REFERENCES = 10_000;

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readDescriptor(value: unknown, what: string): ManifestReference {
  if (!isObject(value)) throw serverErrors.servedManifestInvalid(`${what} is no descriptor`);
  const { digest, mediaType, size, urls } = value;
  if (typeof digest !== "string" || !isContentDigest(digest)) {
    throw serverErrors.servedManifestInvalid(`${what} has no valid digest`);
  }
  if (typeof mediaType !== "string" || mediaType === "") {
    throw serverErrors.servedManifestInvalid(`${what} has no media type`);
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw serverErrors.servedManifestInvalid(`${what} has no valid size`);
  }
  return { digest, mediaType, size, foreign: Array.isArray(urls) && urls.length > 0 };
}

function readList(value: unknown, what: string): ManifestReference[] {
  // What Go writes of a list without entries.
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw serverErrors.servedManifestInvalid(`"${what}" is no list`);
  if (value.length > MAXIMUM_REFERENCES) throw serverErrors.servedManifestInvalid(`"${what}" is too long`);
  return value.map((entry, index) => readDescriptor(entry, `${what}[${index}]`));
}

function readAnnotations(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw serverErrors.servedManifestInvalid(`"annotations" is no object`);
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== "string") throw serverErrors.servedManifestInvalid(`annotation ${name} is no text`);
  }
  return value as Record<string, string>;
}

function parseJson(bytes: Uint8Array): Json {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw serverErrors.servedManifestInvalid("it is no JSON document");
  }
  if (!isObject(document)) throw serverErrors.servedManifestInvalid("it is no JSON object");
  return document;
}

/** The one type a document can be: two readers must never see two different things (GHSA-mc8v-mgrf-8f4m). */
function decideType(document: Json, contentType: string | undefined): string {
  const declared = document["mediaType"];
  if (declared !== undefined && typeof declared !== "string") {
    throw serverErrors.servedManifestInvalid(`"mediaType" is no text`);
  }
  if (declared !== undefined && contentType !== undefined && declared !== contentType) {
    throw serverErrors.servedManifestInvalid(
      `the document says it is ${declared}, the Content-Type header ${contentType}`,
    );
  }
  const type = declared ?? contentType;
  if (type !== undefined) return type;
  return document["manifests"] === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
}

/**
 * Reads a manifest that a client pushes or an upstream sends; throws servedManifestInvalid.
 * @param contentType of the request, without parameters
 */
export function readManifest(bytes: Uint8Array, contentType: string | undefined): ManifestDocument {
  const document = parseJson(bytes);
  const mediaType = decideType(document, contentType);
  if (schema1.test(mediaType) || document["schemaVersion"] === 1 || document["fsLayers"] !== undefined) {
    throw serverErrors.servedManifestInvalid("Docker's schema 1 is not supported; push the image with a newer client");
  }
  const isImage = imageTypes.has(mediaType);
  const isIndex = indexTypes.has(mediaType);
  const isArtifact = mediaType === artifactManifest;
  if (!isImage && !isIndex && !isArtifact) {
    throw serverErrors.servedManifestInvalid(`${mediaType.slice(0, 200)} is no type of manifest`);
  }
  if (!isArtifact && document["schemaVersion"] !== 2) {
    throw serverErrors.servedManifestInvalid(`"schemaVersion" is not 2`);
  }
  const hasImageFields = document["config"] !== undefined || document["layers"] !== undefined;
  if (hasImageFields && document["manifests"] !== undefined) {
    throw serverErrors.servedManifestInvalid("it is an image and an index at once");
  }
  if (isImage && (document["config"] === undefined || document["layers"] === undefined)) {
    throw serverErrors.servedManifestInvalid("an image has a config and layers");
  }
  if (isIndex && document["manifests"] === undefined) {
    throw serverErrors.servedManifestInvalid("an index has manifests");
  }
  const config = isImage ? readDescriptor(document["config"], "config") : undefined;
  const subject = document["subject"] === undefined ? undefined : readDescriptor(document["subject"], "subject");
  const artifactType = document["artifactType"];
  if (artifactType !== undefined && typeof artifactType !== "string") {
    throw serverErrors.servedManifestInvalid(`"artifactType" is no text`);
  }
  return {
    mediaType,
    blobs: [
      ...(config === undefined ? [] : [config]),
      ...(isImage ? readList(document["layers"], "layers") : []),
      ...(isArtifact ? readList(document["blobs"], "blobs") : []),
    ],
    manifests: isIndex ? readList(document["manifests"], "manifests") : [],
    subject: subject?.digest,
    artifactType: artifactType === undefined || artifactType === "" ? config?.mediaType : artifactType,
    annotations: readAnnotations(document["annotations"]),
  };
}
