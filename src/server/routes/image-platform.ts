import type { ImageRecord } from "#engine";
import { fitsPlatform, type Platform, platformText } from "#formats";
import { serverErrors } from "../errors.ts";
import { json, type QueryField } from "../http/query.ts";

function isPlatform(value: unknown): value is Platform {
  if (typeof value !== "object" || value === null) return false;
  const { os, architecture, variant } = value as Record<string, unknown>;
  return (
    typeof os === "string" &&
    typeof architecture === "string" &&
    os !== "" &&
    architecture !== "" &&
    (variant === undefined || typeof variant === "string")
  );
}

const expected = 'a platform as JSON: {"os":"linux","architecture":"amd64"}';

/** A platform as the OCI writes it, in JSON. */
export function platformField(): QueryField<Platform | undefined> {
  return json((value) => (isPlatform(value) ? value : undefined), expected);
}

/** Several of them, each in a parameter of its own or all in one list. */
export function platformsField(): QueryField<readonly Platform[]> {
  const one = platformField();
  return {
    kind: "json",
    parse: (values, name) =>
      values.flatMap((text) => {
        const platform = one.parse([text], name);
        return platform === undefined ? [] : [platform];
      }),
  };
}

/** Of what a name stands for none is for the platform that was asked for: Docker's words. */
export function requirePlatform(image: ImageRecord, reference: string, wanted: Platform | undefined): void {
  if (wanted === undefined) return;
  const { os, architecture, variant } = image.config;
  const actual = { os, architecture, ...(variant === undefined ? {} : { variant }) };
  if (!fitsPlatform(wanted, actual))
    throw serverErrors["image-platform-mismatch"](reference, platformText(wanted), platformText(actual));
}
