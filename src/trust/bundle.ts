import type { KeyObject } from "node:crypto";
import * as v from "valibot";

const statementSchema = v.object({
  _type: v.picklist(["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"]),
  subject: v.array(v.object({ digest: v.record(v.string(), v.string()) })),
  predicateType: v.string(),
});

/** A statement that signs an image, as opposed to one that tells something about it (cosign: specs/SIGNATURE_SPEC.md). */
const signingPredicate = /^https:\/\/sigstore\.dev\/cosign\/sign\/v1$/;

/**
 * Digests that a sigstore bundle signs with one of the keys; none when it is not good. Transparency logs are not asked: who
 * trusts a key trusts it alone.
 */
export async function digestsSignedByBundle(bytes: Uint8Array, keys: readonly KeyObject[]): Promise<readonly string[]> {
  const [{ bundleFromJSON }, { toSignedEntity, Verifier }] = await Promise.all([
    import("@sigstore/bundle"),
    import("@sigstore/verify"),
  ]);
  try {
    const bundle = bundleFromJSON(JSON.parse(Buffer.from(bytes).toString("utf8")));
    if (bundle.content.$case !== "dsseEnvelope") return [];
    const envelope = bundle.content.dsseEnvelope;
    if (envelope.payloadType !== "application/vnd.in-toto+json") return [];
    // With a certificate it would be somebody's identity that signs, not a key of ours.
    if (bundle.verificationMaterial.content.$case !== "publicKey") return [];
    const entity = { ...toSignedEntity(bundle), tlogEntries: [], timestamps: [] };
    const isGood = keys.some((publicKey) => {
      const verifier = new Verifier(
        {
          certificateAuthorities: [],
          timestampAuthorities: [],
          tlogs: [],
          ctlogs: [],
          publicKey: () => ({ publicKey, validFor: () => true }),
        },
        { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 },
      );
      try {
        verifier.verify(entity);
        return true;
      } catch {
        // Another key's.
        return false;
      }
    });
    if (!isGood) return [];
    const statement = v.safeParse(statementSchema, JSON.parse(envelope.payload.toString("utf8")));
    if (!statement.success || !signingPredicate.test(statement.output.predicateType)) return [];
    return statement.output.subject.flatMap(({ digest }) =>
      digest["sha256"] === undefined ? [] : [`sha256:${digest["sha256"]}`],
    );
  } catch {
    // Not a bundle.
    return [];
  }
}
