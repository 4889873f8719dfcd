import { type Digest, isFullId } from "#base";
import {
  canonicalName,
  type ImageReference,
  ReferenceFormatError,
  familiarName,
  parseReference,
  withDefaultTag,
} from "#formats";
import { errors } from "../errors.ts";
import type { ImageIndex, StoredImage } from "./index-of-images.ts";

/** Parses a reference; its errors become ours, with the same words. */
export function readReference(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof ReferenceFormatError) throw errors.imageReferenceInvalid(error.message);
    throw error;
  }
}

/** An id or the beginning of one, with or without the algorithm; at least four digits, as Docker takes them. */
function idPrefix(text: string): string | undefined {
  const hex = text.replace(/^sha256:/, "");
  return /^[0-9a-f]{4,64}$/.test(hex) ? hex : undefined;
}

/** True when the text names the image by its id, not by a name of a repository. */
export function isIdReference(id: Digest, text: string): boolean {
  const hex = idPrefix(text);
  return hex !== undefined && id.startsWith(`sha256:${hex}`);
}

function byName(index: ImageIndex, reference: ImageReference): StoredImage | undefined {
  // A tag beside a digest says nothing more: the digest decides.
  const name =
    reference.digest === undefined
      ? canonicalName(withDefaultTag(reference))
      : canonicalName({ repository: reference.repository, digest: reference.digest });
  const id = index.names.get(name);
  return id === undefined ? undefined : index.images.get(id);
}

/** By name, digest reference, id or unique prefix of an id; a name with the spelling of an id prefix wins. */
export function findImage(index: ImageIndex, text: string): StoredImage | undefined {
  const hex = idPrefix(text);
  if (hex !== undefined && isFullId(hex)) return index.images.get(`sha256:${hex}`);
  let named: StoredImage | undefined;
  try {
    named = byName(index, readReference(text));
  } catch (error) {
    if (hex === undefined) throw error;
  }
  if (named !== undefined || hex === undefined) return named;
  let found: StoredImage | undefined;
  for (const image of index.images.values()) {
    if (!image.id.startsWith(`sha256:${hex}`)) continue;
    if (found !== undefined) throw errors.imageAmbiguous(text);
    found = image;
  }
  return found;
}

/** Like `findImage`, but throws not-found in Docker's words. */
export function getImage(index: ImageIndex, text: string): StoredImage {
  const image = findImage(index, text);
  if (image !== undefined) return image;
  if (text.startsWith("sha256:") || isFullId(text)) throw errors.imageNotFound(text);
  throw errors.imageNotFound(familiarName(withDefaultTag(readReference(text))));
}
