import { canonicalName, familiarName, tryParseReference, withDefaultTag } from "#formats";
import { errors } from "./errors.ts";

/** A name the result gets. */
export type Tag = { readonly canonical: string; readonly familiar: string };

/** Reads a `-t`; throws `build-option-invalid`. */
export function checkedTag(text: string): Tag {
  const reference = tryParseReference(text);
  if (reference === undefined)
    throw errors["build-option-invalid"]("tag", `${JSON.stringify(text)}: invalid reference format`);
  if (reference.digest !== undefined) throw errors["build-option-invalid"]("tag", "build tag cannot contain a digest");
  const whole = withDefaultTag(reference);
  return { canonical: canonicalName(whole), familiar: familiarName(whole) };
}
