import { canonicalName, familiarName, tryParseReference, withDefaultTag } from "#formats";
import { exportErrors as errors } from "./errors.ts";

/** An output as clients name it: `type=…,name=…,…`. */
export type ExportChoice = {
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
};

/** A name an image is kept or pushed under. */
export type ImageName = { readonly canonical: string; readonly familiar: string };

/** Where an annotation goes. */
export type AnnotationLevel = "manifest" | "manifest-descriptor" | "index" | "index-descriptor";

/** An annotation, for all platforms or one. */
export type Annotation = {
  readonly level: AnnotationLevel;
  readonly platform: string | undefined;
  readonly key: string;
  readonly value: string;
};

/** What concerns images in any form. */
export type ImageOptions = {
  readonly names: readonly ImageName[];
  readonly compression: "uncompressed" | "gzip" | "zstd";
  readonly compressionLevel: number | undefined;
  readonly ociMediaTypes: boolean;
  readonly annotations: readonly Annotation[];
  readonly rewriteTimestamp: boolean;
};

/** An output whose options have been read and checked. */
export type Output =
  | ({ readonly kind: "image"; readonly store: boolean; readonly push: PushOptions | undefined } & ImageOptions)
  | ({ readonly kind: "archive"; readonly flavour: "docker" | "oci"; readonly tar: boolean } & ImageOptions)
  | { readonly kind: "files"; readonly tar: boolean; readonly split: boolean | undefined; readonly prefix: string }
  | { readonly kind: "nothing" };

/** How an image is pushed. */
export type PushOptions = { readonly byDigest: boolean; readonly insecure: boolean };

const imageOptions = new Set([
  "name",
  "name-canonical",
  "dangling-name-prefix",
  "compression",
  "compression-level",
  "force-compression",
  "oci-mediatypes",
  "oci-artifact",
  "rewrite-timestamp",
  "buildinfo",
  "buildinfo-attrs",
  "attestation-inline",
  "prefer-nondist-layers",
  "source-date-epoch",
]);
const pushOptions = new Set(["push", "push-by-digest", "registry.insecure", "insecure", "unpack", "store", "load"]);
const archiveOptions = new Set(["tar", "dest", "context"]);
const fileOptions = new Set(["platform-split", "attestation-prefix", "dest", "mode", "source-date-epoch"]);

/** Reads an output; refuses what it does not know. `tags` are names given apart from it (`-t`). */
export function readOutput({ type, attributes }: ExportChoice, tags: readonly string[] = []): Output {
  const reader = optionReader(type, attributes);
  switch (type) {
    case "cacheonly":
      return { kind: "nothing" };
    case "image":
    case "moby":
    case "registry": {
      reader.allow(imageOptions, pushOptions);
      const isPushed = type === "registry" || reader.flag("push", false);
      const image = readImage(reader, tags, "gzip");
      const push = isPushed
        ? {
            byDigest: reader.flag("push-by-digest", false),
            insecure: reader.flag("registry.insecure", false) || reader.flag("insecure", false),
          }
        : undefined;
      if (push !== undefined && image.names.length === 0) throw errors["export-push-name"]();
      return { kind: "image", store: type !== "registry" && reader.flag("store", true), push, ...image };
    }
    case "docker":
    case "oci":
      reader.allow(imageOptions, archiveOptions);
      return {
        kind: "archive",
        flavour: type,
        tar: reader.flag("tar", true),
        // Whoever loads an archive again has no use for a compression that only costs time.
        ...readImage(reader, tags, type === "docker" ? "uncompressed" : "gzip"),
      };
    case "local":
    case "tar":
      reader.allow(fileOptions);
      return {
        kind: "files",
        tar: type === "tar",
        split: reader.has("platform-split") ? reader.flag("platform-split", true) : undefined,
        prefix: reader.text("attestation-prefix") ?? "",
      };
    default:
      throw errors["export-type"](type);
  }
}

function readImage(
  reader: OptionReader,
  tags: readonly string[],
  defaultCompression: ImageOptions["compression"],
): ImageOptions {
  const compression = reader.text("compression") ?? defaultCompression;
  if (compression !== "uncompressed" && compression !== "gzip" && compression !== "zstd") {
    throw reader.invalid("compression", `${JSON.stringify(compression)}: allowed are uncompressed, gzip and zstd`);
  }
  const level = reader.number("compression-level");
  if (level !== undefined && (level < 0 || level > (compression === "zstd" ? 22 : 9))) {
    throw reader.invalid("compression-level", `${level}: allowed are 0 to ${compression === "zstd" ? 22 : 9}`);
  }
  for (const option of ["prefer-nondist-layers", "oci-artifact", "name-canonical"]) {
    if (reader.flag(option, false) && option === "prefer-nondist-layers") {
      throw reader.invalid(option, "layers are always distributable here");
    }
  }
  const named = (reader.text("name") ?? "").split(",").filter((name) => name !== "" && name !== "*");
  return {
    names: [...named, ...tags].map(imageNameOf),
    compression,
    compressionLevel: level,
    ociMediaTypes: reader.flag("oci-mediatypes", true),
    annotations: reader.annotations(),
    rewriteTimestamp: reader.flag("rewrite-timestamp", false),
  };
}

/** Checks a name for an image and completes it. */
export function imageNameOf(text: string): ImageName {
  const reference = tryParseReference(text);
  if (reference === undefined) throw errors["export-tag"](text, "invalid reference format");
  if (reference.digest !== undefined) throw errors["export-tag"](text, "a tag cannot contain a digest");
  const whole = withDefaultTag(reference);
  return { canonical: canonicalName(whole), familiar: familiarName(whole) };
}

type OptionReader = {
  allow(...sets: readonly ReadonlySet<string>[]): void;
  has(option: string): boolean;
  text(option: string): string | undefined;
  flag(option: string, absent: boolean): boolean;
  number(option: string): number | undefined;
  annotations(): readonly Annotation[];
  invalid(option: string, reason: string): Error;
};

function optionReader(type: string, attributes: Readonly<Record<string, string>>): OptionReader {
  const invalid = (option: string, reason: string) => errors["export-option"](type, option, reason);
  const text = (option: string) => (Object.hasOwn(attributes, option) ? attributes[option] : undefined);
  return {
    invalid,
    text,
    has: (option) => text(option) !== undefined,
    allow: (...sets) => {
      for (const option of Object.keys(attributes)) {
        if (!sets.some((set) => set.has(option)) && !option.startsWith("annotation")) {
          throw errors["export-option-unknown"](type, option);
        }
      }
    },
    flag: (option, absent) => {
      const value = text(option);
      if (value === undefined) return absent;
      // Go's strconv.ParseBool; an option without a value is on.
      if (/^(?:|1|t|T|TRUE|true|True)$/.test(value)) return true;
      if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
      throw invalid(option, `${JSON.stringify(value)} is neither true nor false`);
    },
    number: (option) => {
      const value = text(option);
      if (value === undefined) return undefined;
      if (!/^\d{1,9}$/.test(value)) throw invalid(option, `${JSON.stringify(value)} is no whole number`);
      return Number(value);
    },
    annotations: () =>
      Object.entries(attributes).flatMap(([option, value]) => {
        if (!option.startsWith("annotation")) return [];
        const match =
          /^annotation(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([^\]]+)\])?\.(.+)$/.exec(option);
        if (match === null) throw errors["export-option-unknown"](type, option);
        const [, level = "manifest", platform, key = ""] = match;
        return [{ level: level as AnnotationLevel, platform, key, value }];
      }),
  };
}
