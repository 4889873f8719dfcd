import { type KeyObject, verify } from "node:crypto";
import * as v from "valibot";

/** What a signature of the older form says, once it is found to be good: which image, under which name. */
export type SignedClaim = { readonly digest: string; readonly reference: string };

const payloadSchema = v.object({
  critical: v.strictObject({
    type: v.picklist(["cosign container image signature", "https://sigstore.dev/cosign/sign/v1"]),
    image: v.object({ "docker-manifest-digest": v.string() }),
    identity: v.object({ "docker-reference": v.string() }),
  }),
});

/** The hash that a key's signatures are over; Ed25519 brings its own. */
function hashFor(key: KeyObject): string | null {
  if (key.asymmetricKeyType === "ed25519") return null;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "secp384r1") return "sha384";
  return curve === "secp521r1" ? "sha512" : "sha256";
}

/** True when one of the keys has signed these bytes. */
export function isSignedBy(keys: readonly KeyObject[], bytes: Uint8Array, signature: Uint8Array): boolean {
  return keys.some((key) => {
    try {
      // cosign hashes with SHA-256 whatever the curve; others with the curve's own.
      return [...new Set(["ed25519"].includes(key.asymmetricKeyType ?? "") ? [null] : ["sha256", hashFor(key)])].some(
        (hash) => verify(hash, bytes, key, signature),
      );
    } catch {
      // A signature that is none, or of another kind of key.
      return false;
    }
  });
}

/** Reads a payload (containers-signature(5), "critical"); undefined when it is none. */
export function readClaim(payload: Uint8Array): SignedClaim | undefined {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(payloadSchema, document);
  if (!parsed.success) return undefined;
  const { image, identity } = parsed.output.critical;
  return { digest: image["docker-manifest-digest"], reference: identity["docker-reference"] };
}
