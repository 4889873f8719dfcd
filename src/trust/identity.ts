import * as v from "valibot";
import { canonicalName, type ImageReference, tryParseReference } from "#formats";

/** Which name a signature must be for (containers-policy.json(5), "signedIdentity"). */
export const signedIdentitySchema = v.variant("type", [
  v.strictObject({ type: v.literal("matchExact") }),
  v.strictObject({ type: v.literal("matchRepoDigestOrExact") }),
  v.strictObject({ type: v.literal("matchRepository") }),
  v.strictObject({ type: v.literal("exactReference"), dockerReference: v.string() }),
  v.strictObject({ type: v.literal("exactRepository"), dockerRepository: v.string() }),
  v.strictObject({ type: v.literal("remapIdentity"), prefix: v.string(), signedPrefix: v.string() }),
]);

export type SignedIdentity = v.InferOutput<typeof signedIdentitySchema>;

function matchesExactly(name: ImageReference, signed: ImageReference, orDigest: boolean): boolean {
  if (signed.repository !== name.repository) return false;
  if (name.digest !== undefined && name.tag === undefined) return orDigest || signed.digest === name.digest;
  return signed.tag !== undefined && signed.tag === name.tag;
}

/** True when a signature for `signedText` is good for an image used as `name`. */
export function fitsIdentity(identity: SignedIdentity, name: ImageReference, signedText: string): boolean {
  const signed = tryParseReference(signedText);
  if (signed === undefined) return false;
  switch (identity.type) {
    case "matchExact":
      return matchesExactly(name, signed, false);
    case "matchRepoDigestOrExact":
      return matchesExactly(name, signed, true);
    case "matchRepository":
      return signed.repository === name.repository;
    case "exactReference": {
      const wanted = tryParseReference(identity.dockerReference);
      return wanted !== undefined && canonicalName(wanted) === canonicalName(signed);
    }
    case "exactRepository":
      return tryParseReference(identity.dockerRepository)?.repository === signed.repository;
    case "remapIdentity": {
      const { prefix, signedPrefix } = identity;
      const isBelow = name.repository === prefix || name.repository.startsWith(`${prefix}/`);
      const repository = isBelow ? `${signedPrefix}${name.repository.slice(prefix.length)}` : name.repository;
      return matchesExactly({ ...name, repository }, signed, true);
    }
  }
}
