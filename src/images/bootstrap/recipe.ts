import { familiarRepository, type ImageReference } from "#formats";
import { errors } from "../errors.ts";

/** What a base image is made of. */
export type Recipe =
  | { readonly kind: "busybox" }
  | {
      readonly kind: "debian";
      readonly distribution: "debian" | "ubuntu";
      /** undefined: the host's own. */
      readonly suite: string | undefined;
      readonly isSlim: boolean;
      readonly withPython: boolean;
    };

const debianVersions: Readonly<Record<string, string>> = {
  "10": "buster",
  "11": "bullseye",
  "12": "bookworm",
  "13": "trixie",
  "14": "forky",
};

const ubuntuVersions: Readonly<Record<string, string>> = {
  "18.04": "bionic",
  "20.04": "focal",
  "22.04": "jammy",
  "24.04": "noble",
  "26.04": "resolute",
};

/**
 * Tells from a name what to make: "debian:bookworm-slim", "debian:12", "ubuntu:22.04", "python:3.11-slim", "busybox".
 * A python image is Debian with Debian's Python, whatever version the tag says.
 * @param options.suite a suite that decides instead of the tag
 * @param options.as the name the image will carry; "python:…" adds Python
 */
export function recipeFor(
  reference: ImageReference,
  options: { readonly suite?: string | undefined; readonly as?: ImageReference | undefined },
): Recipe {
  const repository = familiarRepository(reference.repository);
  const baseName = (of: ImageReference | undefined) => of?.repository.split("/").pop();
  if (repository === "busybox") return { kind: "busybox" };
  const tag = reference.tag ?? "latest";
  const isSlim = /(^|-)slim(-|$)/.test(tag) || /(^|-)slim(-|$)/.test(options.as?.tag ?? "");
  const withPython = baseName(reference) === "python" || baseName(options.as) === "python";
  const { suite } = options;
  if (suite !== undefined && !/^[a-z][a-z0-9.-]{0,60}$/.test(suite)) throw errors.bootstrapUnknown(`suite ${suite}`);
  const plain = tag.replace(/-?slim$/, "");
  const common = { kind: "debian", isSlim, withPython } as const;
  const own = plain === "" || plain === "latest" ? undefined : plain;
  switch (repository) {
    case "debian":
      return {
        ...common,
        distribution: "debian",
        suite: suite ?? (own === undefined ? undefined : (debianVersions[own] ?? own)),
      };
    case "ubuntu":
      return { ...common, distribution: "ubuntu", suite: suite ?? ubuntuVersions[own ?? "24.04"] ?? own };
    case "python":
      return { ...common, distribution: "debian", suite };
    default:
      throw errors.bootstrapUnknown(repository);
  }
}
