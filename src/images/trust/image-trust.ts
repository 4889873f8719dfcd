import { type Digest, isDigest } from "#base";
import { type Database, imageEvidenceTable } from "#db";
import { familiarName, type ImageReference, parseReference, tryParseReference, withDefaultTag } from "#formats";
import { type Evidence, findDistrust, requirementsFor, trustErrors, type TrustPolicy } from "#trust";
import type { ImageRecord } from "../contract.ts";

/** Asks the policy before an image is used. Without a policy everything is let through, at no cost. */
export type ImageTrust = {
  /** False without a policy: nothing needs to be asked or fetched. */
  readonly isActive: boolean;
  /** Whether signatures of a name would be looked at. */
  wantsSignatures(name: ImageReference): boolean;
  /** Before an image is pulled under a name: throws imageUntrusted when the policy does not let it in. */
  requirePulled(name: ImageReference, digests: readonly string[], evidence: readonly Evidence[]): Promise<void>;
  /** Keeps what an image was pulled with, so that it can be asked again when it is used. */
  keep(imageId: Digest, evidence: readonly Evidence[]): void;
  /**
   * Before a container or a build step runs on it: throws imageUntrusted when the policy as it is now does not let it.
   * @param text the name or id it was asked for by
   */
  require(image: ImageRecord, text: string): Promise<void>;
};

const nothing: ImageTrust = {
  isActive: false,
  wantsSignatures: () => false,
  requirePulled: async () => {},
  keep: () => {},
  require: async () => {},
};

/** The names an image is asked for by: the one given, or all it has when it was given by id. */
function namesMeant(image: ImageRecord, text: string): readonly ImageReference[] {
  const isId = isDigest(text) || image.id.startsWith(`sha256:${text}`);
  const given = isId ? undefined : tryParseReference(text);
  if (given !== undefined) return [withDefaultTag(given)];
  return [...image.repoTags, ...image.repoDigests].map((name) => parseReference(name));
}

/** Sets up the gate. */
export function openImageTrust(database: Database, policy: TrustPolicy | undefined): ImageTrust {
  if (policy === undefined) return nothing;
  const table = imageEvidenceTable(database);

  const needsSignature = (name: ImageReference | undefined) =>
    requirementsFor(policy, name).some(({ type }) => type === "sigstoreSigned");

  return {
    isActive: true,
    wantsSignatures: needsSignature,
    requirePulled: async (name, digests, evidence) => {
      const reason = await findDistrust(requirementsFor(policy, name), name, new Set(digests), evidence);
      if (reason !== undefined) throw trustErrors.imageUntrusted(familiarName(name), reason);
    },
    keep: (imageId, evidence) => {
      for (const item of evidence) {
        const signature = item.kind === "simple" ? item.signature : "";
        table.insert({ image_id: imageId, kind: item.kind, payload: item.payload, signature });
      }
    },
    require: async (image, text) => {
      const digests = new Set<string>(image.repoDigests.map((name) => name.slice(name.indexOf("@") + 1)));
      if (image.manifestDigest !== undefined) digests.add(image.manifestDigest);
      const evidence = table
        .of(image.id)
        .map((row): Evidence =>
          row.kind === "bundle"
            ? { kind: "bundle", payload: row.payload }
            : { kind: "simple", payload: row.payload, signature: row.signature },
        );
      const names = namesMeant(image, text);
      let reason: string | undefined;
      for (const name of names.length === 0 ? [undefined] : names) {
        reason = await findDistrust(requirementsFor(policy, name), name, digests, evidence);
        // By id, one name that the policy lets in is enough.
        if (reason === undefined) return;
      }
      throw trustErrors.imageUntrusted(text, reason ?? "");
    },
  };
}
