import { describe, expect, test } from "bun:test";
import { hasReferenceData, referenceTable, referenceText } from "../testing/reference-data.ts";
import { compileIgnoreRules, parseIgnoreFile } from "./ignore.ts";
import { compilePattern, hasWildcards, matchesPattern } from "./pattern.ts";

describe("compileIgnoreRules()", () => {
  test.each([
    [["**"], "dir/file", true],
    [["**/dir"], "a/dir/file", true],
    [["dir/**"], "dir", false],
    [["docs", "!docs/README.md"], "docs/README.md", false],
    [["docs", "!docs/README.md"], "docs/other", true],
    [["*.go"], "sub/x.go", false],
    [["a**/*.txt"], "a/b/c.txt", true],
    [["foo"], "bar/foo", false],
  ])("%j on %s is %p", (patterns, path, expected) => {
    expect(compileIgnoreRules(patterns).ignores(path)).toBe(expected);
  });

  test("refuses patterns without meaning", () => {
    expect(() => compileIgnoreRules(["["])).toThrow(
      '.dockerignore: cannot use the pattern "[": syntax error in pattern',
    );
    expect(() => compileIgnoreRules(["!"])).toThrow("illegal exclusion pattern");
  });

  test("takes no time for hostile patterns", () => {
    const rules = compileIgnoreRules([`${"**/a".repeat(40)}b`, `${"*a".repeat(40)}b`]);
    expect(rules.ignores("a/".repeat(500))).toBe(false);
  });
});

test("parseIgnoreFile() drops comments and cleans paths", () => {
  expect(parseIgnoreFile("\uFEFF# c\n /a/b/ \n\n!/x\n./y\n #z")).toEqual(["a/b", "!x", "y", "#z"]);
});

test("hasWildcards() honours escapes", () => {
  expect([hasWildcards("a*"), hasWildcards("a\\*"), hasWildcards("a[[]b"), hasWildcards("plain")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

describe("reference patterns", () => {
  type Single = { pattern: string; path: string; match: boolean; error?: boolean };
  test.each(referenceTable<Single>("dockerignore/matches-or-parent-matches.json"))(
    "$pattern on $path",
    ({ pattern, path, match }) => {
      expect(compileIgnoreRules([pattern]).ignores(path)).toBe(match);
    },
  );

  test.each(
    referenceTable<{ patterns: string[]; path: string; match?: boolean; error?: boolean }>(
      "dockerignore/matches-multi.json",
    ),
  )("$patterns on $path", ({ patterns, path, match, error }) => {
    if (error === true) expect(() => compileIgnoreRules(patterns)).toThrow();
    else expect(compileIgnoreRules(patterns).ignores(path)).toBe(match ?? false);
  });

  test.each(referenceTable<Single>("dockerignore/single-pattern-glob.json"))(
    "glob $pattern on $path",
    ({ pattern, path, match, error }) => {
      if (error === true) expect(() => compileIgnoreRules([pattern])).toThrow();
      // The table's "ab/c" case is a parent match; plain matching must agree on everything else.
      else if (pattern === "a*" && path === "ab/c") expect(compileIgnoreRules([pattern]).ignores(path)).toBe(match);
      else expect(matchesPattern(compilePattern(pattern, { deep: true }), path)).toBe(match);
    },
  );

  test.skipIf(!hasReferenceData)("ignore file", () => {
    const expected = referenceTable<string>("dockerignore/ignorefile.expected.json");
    expect(parseIgnoreFile(referenceText("dockerignore/ignorefile.input"))).toEqual(expected);
  });
});
