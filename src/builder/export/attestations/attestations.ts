import type { Attestations } from "../settings.ts";
import { readBillOfMaterials } from "./bill-of-materials.ts";
import { readProvenance } from "./provenance.ts";

/** Reads what is to be said about a build's images: the values of `attest:provenance` and `attest:sbom`. */
export function readAttestations(provenance: string | undefined, sbom: string | undefined): Attestations {
  return {
    provenance: provenance === undefined ? undefined : readProvenance(provenance),
    billOfMaterials: sbom !== undefined && readBillOfMaterials(sbom),
  };
}
