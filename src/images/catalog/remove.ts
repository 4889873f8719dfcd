import { type Digest, shortId } from "#base";
import {
  canonicalName,
  familiarName,
  type ImageReference,
  parseReference,
  type Platform,
  withDefaultTag,
} from "#formats";
import type { ImageRemoval, ImageUser } from "../contract.ts";
import { errors } from "../errors.ts";
import { chainIds } from "./chain.ts";
import { getImage, isIdReference, readReference } from "./find.ts";
import type { ImageIndex, StoredImage } from "./index-of-images.ts";

export type RemoveOptions = {
  readonly force: boolean;
  readonly prune: boolean;
  readonly usedBy: (id: Digest) => readonly ImageUser[];
  /** Of what a name stands for only the image that the text with this platform means. */
  readonly platform?: Platform | undefined;
};

type Conflict = { readonly hard: boolean; readonly why: string };

/** True when all names belong to one repository and at most one of them is a tag (moby: isSingleReference). */
function isSingleReference(names: ReadonlySet<string>): boolean {
  if (names.size <= 1) return true;
  const references = [...names].map((name) => parseReference(name));
  const tags = references.filter((reference) => reference.digest === undefined);
  if (tags.length > 1) return false;
  return new Set(references.map((reference) => reference.repository)).size === 1;
}

function findConflict(
  index: ImageIndex,
  image: StoredImage,
  options: RemoveOptions,
  checks: { readonly soft: boolean; readonly references: boolean },
): Conflict | undefined {
  if (index.childrenOf(image.id).length > 0) return { hard: true, why: "image has dependent child images" };
  const users = options.usedBy(image.id);
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    return { hard: true, why: `image is being used by running container ${shortId(running.containerId)}` };
  }
  if (!checks.soft) return undefined;
  if (checks.references && image.names.size > 0) {
    return { hard: false, why: "image is referenced in multiple repositories" };
  }
  const stopped = users[0];
  if (stopped === undefined) return undefined;
  return { hard: false, why: `image is being used by stopped container ${shortId(stopped.containerId)}` };
}

function conflictError(image: StoredImage, conflict: Conflict): Error {
  return errors.imageDeleteConflict(
    shortId(image.id),
    conflict.hard ? "cannot be forced" : "must be forced",
    conflict.why,
  );
}

function untag(index: ImageIndex, name: string, removals: ImageRemoval[]): void {
  index.deleteName(name);
  removals.push({ untagged: familiarName(parseReference(name)) });
}

/** An image loses its names; those that stand for others too stay theirs. */
function untagOne(index: ImageIndex, image: StoredImage, removals: ImageRemoval[]): void {
  for (const name of Array.from(image.names)) {
    index.leaveName(name, image.id);
    if (!index.names.has(name)) removals.push({ untagged: familiarName(parseReference(name)) });
  }
}

function deleteImage(
  index: ImageIndex,
  image: StoredImage,
  options: RemoveOptions,
  removals: ImageRemoval[],
  quiet: boolean,
): void {
  const conflict = findConflict(index, image, options, { soft: !options.force, references: true });
  if (conflict !== undefined) {
    // The name went; an image that something still holds stays without a word.
    if (quiet) return;
    throw conflictError(image, conflict);
  }
  untagOne(index, image, removals);
  index.delete(image.id);
  removals.push({ deleted: image.id });
  // Its layers stay under a container.
  const holders = options.usedBy(image.id).length > 0 ? [image] : [];
  const left = new Set([...index.images.values(), ...holders].flatMap((each) => chainIds(each.config.rootfs.diff_ids)));
  for (const chain of chainIds(image.config.rootfs.diff_ids).reverse()) {
    if (!left.has(chain)) removals.push({ deleted: chain });
  }
  if (!options.prune || image.parentId === undefined) return;
  const parent = index.images.get(image.parentId);
  // Parents go only when nothing else holds them: never forced, never complained about.
  if (parent !== undefined && parent.names.size === 0)
    deleteImage(index, parent, { ...options, force: false }, removals, true);
}

/** The names that an image is stored under have a tag or a digest, not both. */
function storedReference(reference: ImageReference): ImageReference {
  const { repository, digest } = reference;
  return digest === undefined ? reference : { repository, digest };
}

/** Takes one image out of what a name, and the digests beside it, stand for (moby: image_delete.go, deletePlatforms). */
function removeOnePlatform(
  index: ImageIndex,
  image: StoredImage,
  reference: ImageReference,
  options: RemoveOptions,
  removals: ImageRemoval[],
): void {
  const ofRepository = [...image.names].filter((name) => parseReference(name).repository === reference.repository);
  const isLast = ofRepository.length === image.names.size;
  const conflict = isLast
    ? findConflict(index, image, options, { soft: !options.force, references: false })
    : undefined;
  if (conflict !== undefined) throw conflictError(image, conflict);
  for (const name of ofRepository) index.leaveName(name, image.id);
  if (image.names.size === 0) deleteImage(index, image, options, removals, true);
}

/** `docker rmi` (moby: daemon/images/image_delete.go): untags, and deletes what has no name left. */
export function removeImage(index: ImageIndex, text: string, options: RemoveOptions): ImageRemoval[] {
  const image = getImage(index, text, options.platform);
  const removals: ImageRemoval[] = [];
  return index.transaction(() => {
    let nameWent = false;
    if (isIdReference(image.id, text) && !isNamed(index, image, text)) {
      if (isSingleReference(image.names)) {
        const conflict = findConflict(index, image, options, { soft: !options.force, references: false });
        if (conflict !== undefined) throw conflictError(image, conflict);
        untagOne(index, image, removals);
      }
    } else {
      const reference = withDefaultTag(readReference(text));
      const together = index.imagesOf(canonicalName(storedReference(reference)));
      if (options.platform !== undefined && together.length > 1) {
        removeOnePlatform(index, image, reference, options, removals);
        return removals;
      }
      for (const each of together) {
        const user = options.usedBy(each.id)[0];
        if (options.force || user === undefined || !isSingleReference(each.names)) continue;
        throw errors.imageNameInUse(text, shortId(user.containerId), shortId(each.id));
      }
      const isTag = reference.digest === undefined;
      untag(index, canonicalName(storedReference(reference)), removals);
      const left = new Set(together.flatMap((each) => [...each.names]));
      const others = [...left].map((name) => parseReference(name));
      const sameRepository = others.filter((other) => other.repository === reference.repository);
      // With a repository's last tag go its digests.
      if (isTag && sameRepository.every((other) => other.digest !== undefined)) {
        for (const other of sameRepository) untag(index, canonicalName(other), removals);
      }
      // What the name stood for besides, for other platforms.
      for (const each of together) {
        if (each !== image && each.names.size === 0) deleteImage(index, each, options, removals, true);
      }
      if (image.names.size > 0) return removals;
      nameWent = true;
    }
    deleteImage(index, image, options, removals, nameWent);
    return removals;
  });
}

function isNamed(index: ImageIndex, image: StoredImage, text: string): boolean {
  try {
    return index.names.get(canonicalName(withDefaultTag(readReference(text)))) === image.id;
  } catch {
    // No valid name at all (64 digits): an id.
    return false;
  }
}
