import { type Digest, shortId } from "#base";
import { canonicalName, familiarName, parseReference, withDefaultTag } from "#formats";
import type { ImageRemoval, ImageUser } from "../contract.ts";
import { errors } from "../errors.ts";
import { chainIds } from "./chain.ts";
import { getImage, isIdReference, readReference } from "./find.ts";
import type { ImageIndex, StoredImage } from "./index-of-images.ts";

export type RemoveOptions = {
  readonly force: boolean;
  readonly prune: boolean;
  readonly usedBy: (id: Digest) => readonly ImageUser[];
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
  for (const name of Array.from(image.names)) untag(index, name, removals);
  index.delete(image.id);
  removals.push({ deleted: image.id });
  const left = new Set([...index.images.values()].flatMap((other) => chainIds(other.config.rootfs.diff_ids)));
  for (const chain of chainIds(image.config.rootfs.diff_ids).reverse()) {
    if (!left.has(chain)) removals.push({ deleted: chain });
  }
  if (!options.prune || image.parentId === undefined) return;
  const parent = index.images.get(image.parentId);
  // Parents go only when nothing else holds them: never forced, never complained about.
  if (parent !== undefined && parent.names.size === 0)
    deleteImage(index, parent, { ...options, force: false }, removals, true);
}

/** `docker rmi` (moby: daemon/images/image_delete.go): untags, and deletes what has no name left. */
export function removeImage(index: ImageIndex, text: string, options: RemoveOptions): ImageRemoval[] {
  const image = getImage(index, text);
  const removals: ImageRemoval[] = [];
  return index.transaction(() => {
    let nameWent = false;
    if (isIdReference(image.id, text) && !isNamed(index, image, text)) {
      if (isSingleReference(image.names)) {
        const conflict = findConflict(index, image, options, { soft: !options.force, references: false });
        if (conflict !== undefined) throw conflictError(image, conflict);
        for (const name of Array.from(image.names)) untag(index, name, removals);
      }
    } else {
      const user = options.usedBy(image.id)[0];
      const reference = withDefaultTag(readReference(text));
      if (!options.force && user !== undefined && isSingleReference(image.names)) {
        throw errors.imageNameInUse(familiarName(reference), shortId(user.containerId), shortId(image.id));
      }
      const isTag = reference.digest === undefined;
      untag(
        index,
        canonicalName(isTag ? reference : { repository: reference.repository, digest: reference.digest }),
        removals,
      );
      const others = [...image.names].map((name) => parseReference(name));
      const sameRepository = others.filter((other) => other.repository === reference.repository);
      // With a repository's last tag go its digests.
      if (isTag && sameRepository.every((other) => other.digest !== undefined)) {
        for (const other of sameRepository) untag(index, canonicalName(other), removals);
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
