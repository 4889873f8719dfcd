import type { BuildOutcome, BuiltImage, ExportProgress } from "../contract.ts";
import { billOfMaterials } from "./attestations/bill-of-materials.ts";
import { provenanceStatement } from "./attestations/provenance.ts";
import type { ImageName } from "./choice.ts";
import type { AttachedStatement } from "./packed-image.ts";
import type { ExporterParts, ExportSettings } from "./settings.ts";

/** What is said about an image: its bill of materials and where it comes from, as far as they are asked for. */
export async function statementsOf(
  parts: ExporterParts,
  image: BuiltImage,
  manifest: BuiltImage["imageId"] | undefined,
  names: readonly ImageName[],
  outcome: BuildOutcome,
  { attestations, facts }: ExportSettings,
): Promise<readonly AttachedStatement[]> {
  const about = { image, manifest, names };
  const epoch = outcome.sourceDateEpoch;
  const now = new Date(epoch === undefined ? Date.now() : epoch * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  const statements: AttachedStatement[] = [];
  if (attestations.billOfMaterials) {
    for (const { name: stage, diffIds } of [{ name: undefined, diffIds: image.diffIds }, ...(image.listed ?? [])]) {
      const list = { ...about, createdAt: now, version: parts.version, stage };
      statements.push(
        await outcome.mount({ ...image, diffIds }, (rootfs) => Promise.resolve(billOfMaterials(rootfs, list))),
      );
    }
  }
  if (attestations.provenance !== undefined) {
    statements.push(
      provenanceStatement(attestations.provenance, {
        ...about,
        materials: outcome.materials,
        facts: facts(),
        finishedAt: now,
      }),
    );
  }
  return statements;
}

/** Says what of BuildKit's scanning is not done, to whoever asks for it. */
export function tellUnscanned({ attestations, facts }: ExportSettings, progress: ExportProgress): void {
  if (!attestations.billOfMaterials) return;
  const { attributes } = facts();
  const name = "BUILDKIT_SBOM_SCAN_CONTEXT";
  if (["", "0", "false"].includes(attributes[`build-arg:${name}`] ?? "")) return;
  progress.log(`${name} is not followed: a context has no package manager that would know of packages\n`);
}
