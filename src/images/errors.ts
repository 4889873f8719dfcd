import { defineErrors } from "#base";

/** Errors of `src/images`; the wording is Docker's where clients match on it. */
export const errors = defineErrors({
  imageNotFound: {
    kind: "not-found",
    message: (name: string) => `No such image: ${name}`,
    hint: () => "`berth images` lists the images there are",
  },
  imageAmbiguous: { kind: "not-found", message: (reference: string) => `ambiguous reference: ${reference}` },
  imageReferenceInvalid: { kind: "invalid", message: (why: string) => why },
  imageTagIsDigest: { kind: "invalid", message: () => "refusing to create a tag with a digest reference" },
  imageTagIsAlgorithm: {
    kind: "invalid",
    message: () => "refusing to create an ambiguous tag using digest algorithm as name",
  },
  imageNameInUse: {
    kind: "conflict",
    message: (name: string, container: string, image: string) =>
      `conflict: unable to remove repository reference "${name}" (must force) - container ${container} is using its referenced image ${image}`,
  },
  imageDeleteConflict: {
    kind: "conflict",
    message: (image: string, forced: "must be forced" | "cannot be forced", why: string) =>
      `conflict: unable to delete ${image} (${forced}) - ${why}`,
  },
  imageConfigInvalid: { kind: "invalid", message: (why: string) => `invalid image config: ${why}` },
  imageArchiveInvalid: { kind: "invalid", message: (why: string) => `invalid image archive: ${why}` },
  imagePlatformMissing: {
    kind: "not-found",
    message: (name: string, platform: string) =>
      `image with reference ${name} was found but does not match the specified platform: wanted ${platform}`,
  },
  layerMissing: { kind: "not-found", message: (diffId: string) => `layer ${diffId} is not in the store` },
  layerDamaged: {
    kind: "internal",
    message: (diffId: string, why: string) => `layer ${diffId} is damaged: ${why}`,
    hint: () => "remove the images that use it and load or pull them again",
  },
  packedLayerDamaged: {
    kind: "internal",
    message: (digest: string, why: string) => `the kept blob ${digest} is damaged: ${why}`,
    hint: () => "`berth system check` gives damaged blobs up; the layer is packed anew then",
  },
  layerDigestMismatch: {
    kind: "invalid",
    message: (expected: string, actual: string) =>
      `layer does not match its digest: expected ${expected}, got ${actual}`,
  },
  layerArchiveInvalid: { kind: "invalid", message: (why: string) => `invalid layer archive: ${why}` },
  archiveEntryInvalid: {
    kind: "invalid",
    message: (path: string, why: string) => `cannot unpack "${path}": ${why}`,
  },
  archiveTypeConflict: {
    kind: "invalid",
    message: (existing: "directory" | "non-directory", path: string, by: "directory" | "non-directory") =>
      `cannot overwrite ${existing} "${path}" with ${by} "${path}"`,
  },
  compressionUnsupported: {
    kind: "unsupported",
    message: (name: string, program: string) =>
      `the archive is compressed with ${name}, which needs ${program} on the host`,
    hint: (_name: string, program: string) =>
      `install the Debian package that has it (${program.endsWith("xz") ? "xz-utils" : "bzip2"})`,
  },
  snapshotMissing: { kind: "not-found", message: (id: string) => `no writable layer is prepared for ${id}` },
  snapshotDriverChanged: {
    kind: "precondition",
    message: (id: string, had: string, has: string) =>
      `the root file system of ${id} was made by the storage driver ${had}, but the daemon runs with ${has}`,
    hint: (_id: string, had: string) => `start the daemon with --storage-driver ${had}`,
  },
  storageDriverBroken: {
    kind: "precondition",
    message: (driver: string, why: string) => `the storage driver ${driver} does not work here: ${why}`,
    hint: () => "use --storage-driver vfs, or put the data root on another file system",
  },
  bootstrapToolMissing: {
    kind: "precondition",
    message: (program: string, _packageName: string) => `${program} is not installed`,
    hint: (_program: string, packageName: string) => `apt-get install ${packageName}`,
  },
  bootstrapUnknown: {
    kind: "invalid",
    message: (name: string) => `cannot bootstrap "${name}"`,
    hint: () =>
      "berth bootstraps debian:<suite>, ubuntu:<suite>, python:<version> and busybox; --as gives another name",
  },
  bootstrapNoArchive: {
    kind: "precondition",
    message: (name: string, distribution: string, _instead: string | undefined) =>
      `cannot make ${name}: the host's apt sources name no ${distribution} archive`,
    hint: (name: string, _distribution: string, instead: string | undefined) =>
      instead === undefined
        ? "add one to /etc/apt/sources.list.d"
        : `the host's own distribution under that name: berth image bootstrap ${instead} --as ${name}`,
  },
  bootstrapPlatformUnknown: {
    kind: "invalid",
    message: (name: string, platform: string, _known: string) => `cannot make ${name} for ${platform}`,
    hint: (_name: string, _platform: string, known: string) => `What there is: ${known}`,
  },
  bootstrapFailed: {
    kind: "internal",
    message: (name: string, why: string) => `bootstrap of ${name} failed: ${why}`,
  },
  bootstrapCancelled: { kind: "cancelled", message: (name: string) => `bootstrap of ${name} was cancelled` },
  snapshotQuotaUnsupported: {
    kind: "unsupported",
    message: () => "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
    hint: () => "ext4 works too: with the features project and quota, mounted with prjquota.",
  },
});
