import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compilePattern } from "./compile-pattern.ts";
import { createIgnoreMatcher } from "./ignore-matcher.ts";
import { parseIgnoreFile } from "./parse-ignore-file.ts";

// The tables of moby/patternmatcher at 5a6d8429 (Apache-2.0), as data.
const table = <T>(name: string): T[] =>
  JSON.parse(readFileSync(join(import.meta.dir, "testdata", name), "utf8")) as T[];

describe("createIgnoreMatcher", () => {
  const single = table<{ pattern: string; path: string; match: boolean }>("matches-or-parent-matches.json");
  test.each(single)("answers for $pattern and $path", ({ pattern, path, match }) => {
    expect(createIgnoreMatcher([pattern]).ignores(path)).toBe(match);
  });

  const multi = table<{ patterns: string[]; path: string; match?: boolean; error?: boolean }>("matches-multi.json");
  test.each(multi)("answers for $patterns and $path", ({ patterns, path, match, error }) => {
    if (error === true) expect(() => createIgnoreMatcher(patterns)).toThrow();
    else expect(createIgnoreMatcher(patterns).ignores(path)).toBe(match ?? false);
  });

  test("says which ignored directories must still be walked", () => {
    const matcher = createIgnoreMatcher(["*", "!docs/api/*.md", "!src"]);
    expect(matcher.mayKeepBelow("docs")).toBe(true);
    expect(matcher.mayKeepBelow("docs/api")).toBe(true);
    expect(matcher.mayKeepBelow("node_modules")).toBe(false);
    expect(createIgnoreMatcher(["*", "!**/*.md"]).mayKeepBelow("anything")).toBe(true);
  });
});

describe("compilePattern", () => {
  const globs = table<{ pattern: string; path: string; match: boolean; error: boolean }>("single-pattern-glob.json");
  test.each(globs)("agrees about $pattern and $path", ({ pattern, path, match, error }) => {
    if (error) expect(() => compilePattern(pattern)).toThrow();
    else expect(createIgnoreMatcher([pattern]).ignores(path)).toBe(match);
  });
});

describe("parseIgnoreFile", () => {
  test("drops comments and blank lines and cleans paths", () => {
    const text = readFileSync(join(import.meta.dir, "testdata/ignorefile.input"), "utf8");
    expect(parseIgnoreFile(text)).toEqual(table<string>("ignorefile.expected.json"));
  });
});
