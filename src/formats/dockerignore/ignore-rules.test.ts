import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compileIgnoreRules } from "./ignore-rules.ts";
import { parseIgnoreFile } from "./parse-ignore-file.ts";
import { compilePattern, hasWildcards, matchesPattern } from "./path-pattern.ts";

// The tables of moby/patternmatcher at 5a6d8429 (Apache-2.0), as data.
const text = (name: string) => readFileSync(join(import.meta.dir, "testdata", name), "utf8");
const table = <T>(name: string): T[] => JSON.parse(text(name)) as T[];

describe("compileIgnoreRules()", () => {
  test.each(table<{ pattern: string; path: string; match: boolean }>("matches-or-parent-matches.json"))(
    "answers for $pattern and $path",
    ({ pattern, path, match }) => {
      expect(compileIgnoreRules([pattern]).ignores(path)).toBe(match);
    },
  );

  test.each(table<{ patterns: string[]; path: string; match?: boolean; error?: boolean }>("matches-multi.json"))(
    "answers for $patterns and $path",
    ({ patterns, path, match, error }) => {
      if (error === true) expect(() => compileIgnoreRules(patterns)).toThrow();
      else expect(compileIgnoreRules(patterns).ignores(path)).toBe(match ?? false);
    },
  );

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

  test("says which ignored folders must still be walked", () => {
    const rules = compileIgnoreRules(["*", "!docs/api/*.md", "!src"]);
    expect(rules.mayKeepBelow("docs")).toBe(true);
    expect(rules.mayKeepBelow("docs/api")).toBe(true);
    expect(rules.mayKeepBelow("node_modules")).toBe(false);
    expect(compileIgnoreRules(["*", "!**/*.md"]).mayKeepBelow("anything")).toBe(true);
  });

  test("refuses patterns without meaning", () => {
    expect(() => compileIgnoreRules(["["])).toThrow(
      '.dockerignore: cannot use the pattern "[": syntax error in pattern',
    );
    expect(() => compileIgnoreRules(["!"])).toThrow("illegal exclusion pattern");
  });

  test("takes no time for hostile patterns", () => {
    const rules = compileIgnoreRules([`${"**/a".repeat(40)}b`, `${"*a".repeat(40)}b`, `${"**".repeat(2000)}b`]);
    expect(rules.ignores("a/".repeat(500))).toBe(false);
    expect(rules.ignores("a".repeat(1000))).toBe(false);
  });
});

describe("matchesPattern()", () => {
  const globs = table<{ pattern: string; path: string; match: boolean; error?: boolean }>("single-pattern-glob.json");
  test.each(globs)("agrees about $pattern and $path", ({ pattern, path, match, error }) => {
    const compile = () => compilePattern(pattern, { deep: true, place: "test" });
    if (error === true) expect(compile).toThrow("syntax error in pattern");
    else expect(compileIgnoreRules([pattern]).ignores(path)).toBe(match);
    // The table's "ab/c" case is a parent match; plain matching agrees on everything else.
    if (error !== true && !(pattern === "a*" && path === "ab/c")) expect(matchesPattern(compile(), path)).toBe(match);
  });
});

describe("parseIgnoreFile()", () => {
  test("reads the reference file", () => {
    expect(parseIgnoreFile(text("ignorefile.input"))).toEqual(table<string>("ignorefile.expected.json"));
  });

  test("drops comments and cleans paths", () => {
    expect(parseIgnoreFile("\uFEFF# c\n /a/b/ \n\n!/x\n./y\n #z")).toEqual(["a/b", "!x", "y", "#z"]);
  });
});

test(". and / leave nothing out", () => {
  for (const pattern of [".", "/", "./"]) expect(compileIgnoreRules(parseIgnoreFile(pattern)).ignores("a")).toBeFalse();
});

test("hasWildcards() honours escapes", () => {
  expect(["a*", "a\\*", "a[[]b", "plain"].map(hasWildcards)).toEqual([true, false, true, false]);
});
