import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  canonicalName,
  familiarName,
  parseReference,
  splitRepository,
  tryParseReference,
  withDefaultTag,
} from "./reference.ts";

const hex = "a".repeat(64);

describe("parseReference()", () => {
  test.each([
    ["debian", "docker.io/library/debian", "debian"],
    ["debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm"],
    ["library/debian", "docker.io/library/debian", "debian"],
    ["docker.io/debian", "docker.io/library/debian", "debian"],
    ["index.docker.io/library/debian", "docker.io/library/debian", "debian"],
    ["someone/thing:1", "docker.io/someone/thing:1", "someone/thing:1"],
    ["localhost/x", "localhost/x", "localhost/x"],
    ["localhost:5000/a/b:v1", "localhost:5000/a/b:v1", "localhost:5000/a/b:v1"],
    ["[::1]:5000/a", "[::1]:5000/a", "[::1]:5000/a"],
    ["Upper/repo", "Upper/repo", "Upper/repo"],
    ["ghcr.io/a/b-c__d.e", "ghcr.io/a/b-c__d.e", "ghcr.io/a/b-c__d.e"],
    [`debian@sha256:${hex}`, `docker.io/library/debian@sha256:${hex}`, `debian@sha256:${hex}`],
    [`debian:x@sha256:${hex}`, `docker.io/library/debian:x@sha256:${hex}`, `debian:x@sha256:${hex}`],
    ["docker.io/library/a/b", "docker.io/library/a/b", "library/a/b"],
  ])("%s means %s and is shown as %s", (text, canonical, familiar) => {
    const reference = parseReference(text);
    expect(canonicalName(reference)).toBe(canonical);
    expect(familiarName(reference)).toBe(familiar);
  });

  test.each([
    ["", "invalid reference format"],
    [":tag", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["-a", "invalid reference format"],
    ["a:", "invalid reference format"],
    ["a b", "invalid reference format"],
    ["a:b:c", "invalid reference format"],
    ["../../etc/passwd", "invalid reference format"],
    ["a:x\n", "invalid reference format"],
    ["a\0b", "invalid reference format"],
    ["a@sha256:abc", "invalid reference format"],
    [`a:${"t".repeat(129)}`, "invalid reference format"],
    ["Debian", "invalid reference format: repository name (library/Debian) must be lowercase"],
    ["x.io/Debian:Y", "invalid reference format: repository name (Debian) must be lowercase"],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    [`x.io/${"a".repeat(256)}`, "repository name must not be more than 255 characters"],
    [`a@sha256:${"a".repeat(63)}`, "invalid checksum digest length"],
    [`a@sha1:${"a".repeat(40)}`, "unsupported digest algorithm"],
  ])("%j is refused: %s", (text, message) => {
    expect(() => parseReference(text)).toThrow(new Error(message));
  });

  test("names the default tag only where there is neither tag nor digest", () => {
    expect(withDefaultTag(parseReference("a")).tag).toBe("latest");
    expect(withDefaultTag(parseReference(`a@sha256:${hex}`)).tag).toBeUndefined();
  });

  test("familiar and canonical text parse back to the same reference", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?$/);
    const reference = fc.tuple(
      fc.constantFrom("", "localhost/", "localhost:5000/", "x.io/", "10.0.0.1:80/"),
      fc.array(part, { minLength: 1, maxLength: 3 }),
      fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/)),
    );
    fc.assert(
      fc.property(reference, ([domain, path, tag]) => {
        const parsed = tryParseReference(`${domain}${path.join("/")}${tag === null ? "" : `:${tag}`}`);
        if (parsed === undefined) return;
        expect(parseReference(familiarName(parsed))).toEqual(parsed);
        expect(parseReference(canonicalName(parsed))).toEqual(parsed);
        expect(splitRepository(parsed.repository).path).not.toBe("");
      }),
    );
  });

  test("never throws anything but its own error", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void tryParseReference(text)));
  });
});
