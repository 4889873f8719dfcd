import type { Digest } from "#base";
import { digestHex } from "#base";
import type { BuildMaterial, BuiltImage } from "../../contract.ts";
import { formatPlatform, hostPlatform } from "../../plan/platform.ts";
import { exportErrors as errors } from "../errors.ts";
import type { ImageName } from "../choice.ts";
import type { AttachedStatement } from "../packed-image.ts";

/** What a build says about itself when it is asked where an image comes from. */
export type BuildFacts = {
  readonly reference: string;
  /** RFC 3339. */
  readonly startedAt: string;
  /** The options it was asked with, in BuildKit's spelling; nothing secret is among them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly dockerfile: { readonly name: string; readonly text: string | undefined };
};

/** `--provenance`, `--attest type=provenance,…` */
export type ProvenanceOptions = {
  readonly mode: "min" | "max";
  readonly version: "v0.2" | "v1";
  readonly builderId: string;
  /** Only beside images, not as a file of other outputs. */
  readonly inlineOnly: boolean;
};

/** Reads the options, "mode=max,builder-id=…"; undefined when it is switched off. */
export function readProvenance(value: string): ProvenanceOptions | undefined {
  const options = readAttestOptions("provenance", value, [
    "mode",
    "version",
    "builder-id",
    "inline-only",
    "reproducible",
    "filename",
    "disabled",
    "type",
  ]);
  if (options.get("disabled") === "true") return undefined;
  const mode = options.get("mode") ?? "min";
  if (mode !== "min" && mode !== "max") {
    throw errors["export-option"]("provenance", "mode", `${JSON.stringify(mode)}: allowed are min and max`);
  }
  const version = options.get("version") ?? "v1";
  if (version !== "v0.2" && version !== "v1") {
    throw errors["export-option"]("provenance", "version", `${JSON.stringify(version)}: allowed are v0.2 and v1`);
  }
  return {
    mode,
    version,
    builderId: options.get("builder-id") ?? "",
    inlineOnly: options.get("inline-only") === "true",
  };
}

/** Comma-separated `name=value` pairs of an attestation, checked against what it knows. */
export function readAttestOptions(type: string, value: string, known: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  if (value === "" || value === "true") return options;
  if (value === "false") return new Map([["disabled", "true"]]);
  for (const part of value.split(",")) {
    const equals = part.indexOf("=");
    const name = (equals === -1 ? part : part.slice(0, equals)).trim().toLowerCase();
    if (!known.includes(name)) throw errors["export-option-unknown"](type, name);
    options.set(name, equals === -1 ? "true" : part.slice(equals + 1));
  }
  return options;
}

/** Attributes that describe where sources came from and are no option of the build. */
const isArgument = (name: string, mode: ProvenanceOptions["mode"]) =>
  !name.startsWith("vcs:") &&
  !name.startsWith("attest:") &&
  !/^(?:contextkey|dockerfilekey|frontend\.caps|local-sessionid:.*|requestid|filename)$/.test(name) &&
  // What people pass as arguments may be private; only `mode=max` is told of it.
  (mode === "max" || !/^(?:build-arg|label):/.test(name));

/** The statement of where an image comes from: an in-toto statement with SLSA's predicate (slsa.dev/provenance). */
export function provenanceStatement(
  options: ProvenanceOptions,
  about: {
    readonly image: BuiltImage;
    readonly manifest: Digest | undefined;
    readonly names: readonly ImageName[];
    readonly materials: readonly BuildMaterial[];
    readonly facts: BuildFacts;
    readonly finishedAt: string;
  },
): AttachedStatement {
  const { facts } = about;
  const args = Object.fromEntries(Object.entries(facts.attributes).filter(([name]) => isArgument(name, options.mode)));
  const materials = about.materials.map(({ uri, digest }) => ({
    uri,
    ...(digest === undefined ? {} : { digest: digestSet(digest) }),
  }));
  const vcs = Object.entries(facts.attributes).filter(([name]) => /^vcs:(?:source|revision)$/.test(name));
  const source =
    options.mode === "max" && facts.dockerfile.text !== undefined
      ? {
          infos: [
            {
              filename: facts.dockerfile.name,
              language: "Dockerfile",
              data: Buffer.from(facts.dockerfile.text).toString("base64"),
            },
          ],
        }
      : undefined;
  const metadata = {
    ...(vcs.length === 0 ? {} : { vcs: Object.fromEntries(vcs.map(([name, value]) => [name.slice(4), value])) }),
    ...(source === undefined ? {} : { source }),
  };
  const request = { frontend: "dockerfile.v0", args };
  const builderPlatform = formatPlatform(hostPlatform());
  const predicateType = `https://slsa.dev/provenance/${options.version}`;
  const predicate =
    options.version === "v1"
      ? {
          buildDefinition: {
            buildType: "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
            externalParameters: { configSource: { path: facts.dockerfile.name }, request },
            internalParameters: { builderPlatform },
            resolvedDependencies: materials,
          },
          runDetails: {
            builder: { id: options.builderId },
            metadata: {
              invocationId: facts.reference,
              startedOn: facts.startedAt,
              finishedOn: about.finishedAt,
              buildkit_metadata: metadata,
              buildkit_hermetic: false,
              buildkit_completeness: { request: options.mode === "max", resolvedDependencies: false },
              buildkit_reproducible: false,
            },
          },
        }
      : {
          builder: { id: options.builderId },
          buildType: "https://mobyproject.org/buildkit@v1",
          materials,
          invocation: {
            configSource: { entryPoint: facts.dockerfile.name },
            parameters: request,
            environment: { platform: builderPlatform },
          },
          metadata: {
            buildInvocationID: facts.reference,
            buildStartedOn: facts.startedAt,
            buildFinishedOn: about.finishedAt,
            completeness: { parameters: options.mode === "max", environment: true, materials: false },
            reproducible: false,
            "https://mobyproject.org/buildkit@v1#metadata": metadata,
          },
        };
  return { predicateType, statement: statementBytes(predicateType, predicate, about) };
}

function digestSet(digest: string): Readonly<Record<string, string>> {
  const colon = digest.indexOf(":");
  return colon === -1 ? { sha1: digest } : { [digest.slice(0, colon)]: digest.slice(colon + 1) };
}

/** A statement about an image (in-toto.io/Statement): the predicate and what it is about. */
export function statementBytes(
  predicateType: string,
  predicate: unknown,
  about: {
    readonly image: BuiltImage;
    readonly manifest: Digest | undefined;
    readonly names: readonly ImageName[];
  },
): Uint8Array {
  const platform = encodeURIComponent(formatPlatform(about.image.platform));
  const digest = { sha256: digestHex(about.manifest ?? about.image.imageId) };
  const subject = (about.names.length === 0 ? [undefined] : about.names).map((name) => ({
    name: name === undefined ? "_" : `${packageUrl(name)}?platform=${platform}`,
    digest,
  }));
  return Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v0.1", predicateType, subject, predicate }));
}

/** "pkg:docker/debian@bookworm" (package-url.org). */
function packageUrl({ familiar }: ImageName): string {
  const colon = familiar.lastIndexOf(":");
  return `pkg:docker/${familiar.slice(0, colon)}@${familiar.slice(colon + 1)}`;
}
