import { createHash } from "node:crypto";
import type { Digest } from "#base";
import type { BuiltImage } from "../../contract.ts";
import type { ImageName } from "../choice.ts";
import { exportErrors as errors } from "../errors.ts";
import type { AttachedStatement } from "../packed-image.ts";
import { type InstalledPackage, installedPackages } from "./packages.ts";
import { readAttestOptions, statementBytes } from "./provenance.ts";

/** SPDX's predicate type (spdx.dev). */
const predicateType = "https://spdx.dev/Document";

/** Checks `--sbom` and `--attest type=sbom,…`; true when a bill of materials is wanted. */
export function readBillOfMaterials(value: string): boolean {
  const options = readAttestOptions("sbom", value, ["generator", "disabled", "type", "inline-only"]);
  if (options.get("disabled") === "true") return false;
  const generator = options.get("generator");
  if (generator !== undefined && generator !== "") {
    throw errors["export-option"](
      "sbom",
      "generator",
      "generators that are images are not run: the packages that dpkg and apk know are listed",
    );
  }
  return true;
}

/** What is in an image: an in-toto statement with an SPDX 2.3 document of the packages its file system says it has. */
export function billOfMaterials(
  rootfs: string,
  about: {
    readonly image: BuiltImage;
    readonly manifest: Digest | undefined;
    readonly names: readonly ImageName[];
    /** RFC 3339; the same for equal images of reproducible builds. */
    readonly createdAt: string;
    readonly version: string;
    /** The stage whose files they are. @default the image's */
    readonly stage?: string | undefined;
  },
): AttachedStatement {
  const { packages, distribution } = installedPackages(rootfs);
  const { stage } = about;
  const name = `${about.names[0]?.familiar ?? about.image.imageId}${stage === undefined ? "" : ` (stage ${stage})`}`;
  const part = stage === undefined ? "" : `-${createHash("sha256").update(stage).digest("hex").slice(0, 12)}`;
  const document = {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name,
    documentNamespace: `https://spdx.org/spdxdocs/berth-${about.image.imageId.replace(":", "-")}${part}`,
    creationInfo: { created: about.createdAt, creators: [`Tool: berth-${about.version}`] },
    comment: `Packages known to the package manager of ${distribution}.`,
    packages: packages.map(packageDocument),
    relationships: packages.map((entry) => ({
      spdxElementId: "SPDXRef-DOCUMENT",
      relationshipType: "DESCRIBES",
      relatedSpdxElement: idOf(entry),
    })),
  };
  return { predicateType, statement: statementBytes(predicateType, document, about), stage };
}

function packageDocument(entry: InstalledPackage) {
  return {
    SPDXID: idOf(entry),
    name: entry.name,
    versionInfo: entry.version,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    ...(entry.maintainer === undefined ? {} : { supplier: `Person: ${entry.maintainer}` }),
    ...(entry.source === undefined ? {} : { sourceInfo: `built from the source package ${entry.source}` }),
    ...(entry.licence === undefined ? {} : { licenseComments: entry.licence }),
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: entry.url }],
  };
}

/** SPDX ids hold letters, digits, "." and "-". */
function idOf({ name, url }: InstalledPackage): string {
  const hash = createHash("sha256").update(url).digest("hex").slice(0, 12);
  return `SPDXRef-Package-${name.replace(/[^A-Za-z0-9.-]/g, "-")}-${hash}`;
}
