import { type Digest, isFullId } from "#base";
import {
  canonicalName,
  familiarName,
  type ImageReference,
  parseReference,
  type Platform,
  platformRank,
  ReferenceFormatError,
  tryParseReference,
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

/** The fully qualified name that a reference means. A tag beside a digest says nothing more: the digest decides. */
function storedName(reference: ImageReference): string {
  return reference.digest === undefined
    ? canonicalName(withDefaultTag(reference))
    : canonicalName({ repository: reference.repository, digest: reference.digest });
}

/** Of the images a name stands for the one that suits a platform best; the one for this machine when none does. */
function byName(index: ImageIndex, name: string, platform: Platform | undefined): StoredImage | undefined {
  const images = index.imagesOf(name);
  if (platform === undefined) return images[0];
  const ranked = images.flatMap((image) => {
    const rank = platformRank(platform, image.config);
    return rank === undefined ? [] : [{ image, rank }];
  });
  return ranked.toSorted((one, other) => one.rank - other.rank)[0]?.image ?? images[0];
}

/** The stored name that a text is, when images have it; an id is none. */
export function findName(index: ImageIndex, text: string): string | undefined {
  const hex = idPrefix(text);
  if (hex !== undefined && isFullId(hex)) return undefined;
  const reference = tryParseReference(text);
  const name = reference === undefined ? undefined : storedName(reference);
  return name !== undefined && index.names.has(name) ? name : undefined;
}

/**
 * By name, digest reference, id or unique prefix of an id; a name with the spelling of an id prefix wins. Of a name's
 * images the one that suits the platform best, or the one for this machine when none does.
 */
export function findImage(index: ImageIndex, text: string, platform?: Platform): StoredImage | undefined {
  const hex = idPrefix(text);
  if (hex !== undefined && isFullId(hex)) return index.images.get(`sha256:${hex}`);
  let named: StoredImage | undefined;
  try {
    named = byName(index, storedName(readReference(text)), platform);
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
export function getImage(index: ImageIndex, text: string, platform?: Platform): StoredImage {
  const image = findImage(index, text, platform);
  if (image !== undefined) return image;
  if (text.startsWith("sha256:") || isFullId(text)) throw errors.imageNotFound(text);
  throw errors.imageNotFound(familiarName(withDefaultTag(readReference(text))));
}
