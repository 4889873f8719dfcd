import { canonicalName, type Descriptor, type ImageReference } from "#formats";
import { digestsSignedByBundle } from "./bundle.ts";
import { fitsIdentity } from "./identity.ts";
import type { Requirement } from "./policy.ts";
import { isSignedBy, readClaim } from "./simple-signing.ts";

/** A signature as it was found; nothing is believed of it yet. */
export type Evidence =
  | { readonly kind: "simple"; readonly payload: Uint8Array; readonly signature: string }
  | { readonly kind: "bundle"; readonly payload: Uint8Array };

/** A repository as signatures are read from it. */
export type EvidenceSource = {
  /** Undefined when there is none. */
  manifest(reference: string): Promise<Uint8Array | undefined>;
  blob(descriptor: Descriptor): Promise<Uint8Array>;
  /** What refers to a digest; empty when the registry does not know. */
  referrers(digest: string): Promise<readonly Descriptor[]>;
};

/** More signatures of one image, or larger ones, are not looked at. */
const MAXIMUM_SIGNATURES = 50;
const MAXIMUM_BYTES = 1024 * 1024;

const simpleSigning = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureAnnotation = "dev.cosignproject.cosign/signature";
const bundleType = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v[\d.]+)?\+json(?:;version=[\d.]+)?$/;

function layersOf(manifest: Uint8Array): readonly Descriptor[] {
  try {
    const { layers } = JSON.parse(Buffer.from(manifest).toString("utf8")) as { layers?: unknown };
    return Array.isArray(layers) ? (layers as Descriptor[]).slice(0, MAXIMUM_SIGNATURES) : [];
  } catch {
    return [];
  }
}

const isSmall = (descriptor: Descriptor) => typeof descriptor.size === "number" && descriptor.size <= MAXIMUM_BYTES;

/** Finds what cosign left about an image in its repository: the tag `sha256-….sig`, and bundles that refer to it. */
export async function fetchEvidence(source: EvidenceSource, digests: readonly string[]): Promise<readonly Evidence[]> {
  const found: Evidence[] = [];
  for (const digest of new Set(digests)) {
    const tagged = await source.manifest(`${digest.replace(":", "-")}.sig`);
    for (const layer of tagged === undefined ? [] : layersOf(tagged)) {
      const signature = layer.annotations?.[signatureAnnotation];
      if (layer.mediaType !== simpleSigning || typeof signature !== "string" || !isSmall(layer)) continue;
      found.push({ kind: "simple", payload: await source.blob(layer), signature });
    }
    const referring = (await source.referrers(digest)).slice(0, MAXIMUM_SIGNATURES);
    for (const { digest: referrer, artifactType } of referring) {
      if (artifactType === undefined || !bundleType.test(artifactType)) continue;
      const manifest = await source.manifest(referrer);
      const layer = manifest === undefined ? undefined : layersOf(manifest)[0];
      if (layer === undefined || !bundleType.test(layer.mediaType) || !isSmall(layer)) continue;
      found.push({ kind: "bundle", payload: await source.blob(layer) });
    }
  }
  return found;
}

async function isMet(
  requirement: Requirement,
  name: ImageReference | undefined,
  digests: ReadonlySet<string>,
  evidence: readonly Evidence[],
): Promise<string | undefined> {
  if (requirement.type === "insecureAcceptAnything") return undefined;
  if (requirement.type === "reject") return "it is rejected";
  let reason = evidence.length === 0 ? "it has no signature" : "no signature is by a key of the policy";
  for (const item of evidence) {
    if (item.kind === "bundle") {
      // A bundle names no repository: it holds for these bytes, wherever they are.
      const signed = await digestsSignedByBundle(item.payload, requirement.keys);
      if (signed.some((digest) => digests.has(digest))) return undefined;
      if (signed.length > 0) reason = "the signature is for another image";
      continue;
    }
    if (!isSignedBy(requirement.keys, item.payload, Buffer.from(item.signature, "base64"))) continue;
    const claim = readClaim(item.payload);
    if (claim === undefined || !digests.has(claim.digest)) reason = "the signature is for another image";
    else if (name !== undefined && !fitsIdentity(requirement.signedIdentity, name, claim.reference)) {
      reason = `the signature is for the name ${claim.reference}, and the policy's signedIdentity is ${requirement.signedIdentity.type}`;
    } else return undefined;
  }
  return `${reason}${name === undefined ? "" : ` (asked for ${canonicalName(name)})`}`;
}

/** Why an image is not trusted under a name; undefined when it is. Every requirement must be met. */
export async function findDistrust(
  requirements: readonly Requirement[],
  name: ImageReference | undefined,
  digests: ReadonlySet<string>,
  evidence: readonly Evidence[],
): Promise<string | undefined> {
  for (const requirement of requirements) {
    const reason = await isMet(requirement, name, digests, evidence);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
