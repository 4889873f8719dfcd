import { describe, expect, test } from "bun:test";
import { hasReferenceData, referenceTable, referenceText } from "../testing/reference-data.ts";
import { expandWord } from "./word.ts";

const home = new Map([
  ["PWD", "/home"],
  ["SHELL", "bash"],
  ["KOREAN", "한국어"],
  ["NULL", ""],
]);

describe("expandWord()", () => {
  test.each([
    ["he$PWD", "he/home"],
    ["he\\$PWD", "he$PWD"],
    ["'he$PWD'", "he$PWD"],
    ['"he\\tx $PWD"', "he\\tx /home"],
    ["$unset.", "."],
    ["$.", "$."],
    ["$1x", "x"],
    ["${NULL:-a}${NULL-a}", "a"],
    ["${PWD:+${SHELL}}", "bash"],
    ["${PWD#/}|${PWD##*o}|${PWD%o*}|${PWD%%/*}", "home|me|/h|"],
    ["${SHELL/b?s/x}${SHELL//[^]/y}", "xhbash"],
    ["${SHELL//?/-}", "----"],
  ])("makes %s into %s", (source, expected) => {
    expect(expandWord(source, home).text).toBe(expected);
  });

  test.each([
    ["${}", "bad substitution"],
    ["${PWD", "missing '}'"],
    ["${PWD:=x}", "unsupported modifier (:=)"],
    ["'x", "matching single-quote"],
    ["${no:?give it}", "no: give it"],
    ["${no?}", "no: is not allowed to be unset"],
    ["${NULL:?}", "NULL: is not allowed to be empty"],
    ["${PWD#\\a}", "invalid escape '\\a'"],
    ["${".repeat(300), "unsupported modifier ({)"],
    [`${"${a:-".repeat(300)}x`, "nested too deeply"],
  ])("refuses %s", (source, reason) => {
    expect(() => expandWord(source, home)).toThrow(reason);
  });

  test("takes no time for hostile patterns", () => {
    const variables = new Map([["x", "a".repeat(3000)]]);
    expect(expandWord(`\${x##${"*a".repeat(30)}b}`, variables).text).toHaveLength(3000);
  });
});

describe("reference expansions", () => {
  const rows = hasReferenceData
    ? referenceText("shell/envVarTest")
        .split("\n")
        .filter((line) => line.trim() !== "" && !line.startsWith("#"))
        .map((line) => line.split("|"))
        .filter(([platform]) => platform?.trim() !== "W")
    : [];
  test.each(rows.map(([, source = "", expected = ""]) => [source.trim(), expected.trim()] as const))(
    "%s",
    (source, expected) => {
      if (expected === "error") expect(() => expandWord(source, home)).toThrow();
      else expect(expandWord(source, home).text).toBe(expected);
    },
  );

  test.skipIf(!hasReferenceData)("words", () => {
    const variables = new Map<string, string>();
    for (const line of referenceText("shell/wordsTest").split("\n")) {
      if (line === "" || line.startsWith("#")) continue;
      const assignment = /^ENV (\w+)=(.*)$/.exec(line);
      if (assignment !== null) {
        variables.set(assignment[1] ?? "", assignment[2] ?? "");
        continue;
      }
      const [source = "", expected = ""] = line.split("|");
      const want = expected.replace(/^ /, "");
      if (want.trim() === "error") expect(() => expandWord(source.trimEnd(), variables)).toThrow();
      else
        expect(expandWord(source.trimEnd(), variables).words.map((word) => word.trim())).toEqual(
          want.split(",").map((word) => word.trim()),
        );
    }
  });

  type MatchRow = {
    input: string;
    env: Record<string, string>;
    expected?: string;
    error?: boolean | string;
    matched?: string[];
    unmatched?: string[];
  };
  test.each([
    ...referenceTable<MatchRow>("shell/process-word-matches.json"),
    ...referenceTable<MatchRow>("shell/mandatory-vars.json"),
  ])("$input with $env", (row) => {
    const variables = new Map(Object.entries(row.env));
    if (row.error !== undefined) {
      expect(() => expandWord(row.input, variables)).toThrow(typeof row.error === "string" ? row.error : undefined);
      return;
    }
    const result = expandWord(row.input, variables);
    expect(result.text).toBe(row.expected ?? "");
    if (row.matched !== undefined) expect([...result.matched].sort()).toEqual(row.matched);
    if (row.unmatched !== undefined) expect([...result.unmatched].sort()).toEqual(row.unmatched);
  });
});
