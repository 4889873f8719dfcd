import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

const root = join(import.meta.dir, "../..");
const page = readFileSync(join(root, "docs/dockerfile-features.md"), "utf8");
const reference = resolve(root, "../shared/reference");
const features = [...page.matchAll(/^\| (\d+) \| `(.+)` \| (.+?) \| (.+) \|$/gm)];
const data = [...page.matchAll(/^\| `(.+)` \| (\[.+) \|$/gm)];
const plain = (text: string) => text.replaceAll("\\|", "|");

test("docs/dockerfile-features.md has every feature once, each with a test", () => {
  expect(features.map(([, number]) => Number(number))).toEqual(Array.from({ length: 236 }, (_, index) => index + 1));
});

test("what docs/dockerfile-features.md names as tests is there", () => {
  const missing: string[] = [];
  for (const [, where, tests] of [...features.map((row) => ["", row[2], row[4]]), ...data]) {
    const named = [...(tests ?? "").matchAll(/\]\(\.\.\/([^)]+)\) `([^`]+)`/g)];
    if (named.length === 0) missing.push(`${where}: no test`);
    for (const [, file = "", words = ""] of named) {
      const path = join(root, file);
      const isThere = existsSync(path) && readFileSync(path, "utf8").includes(plain(words));
      if (!isThere) missing.push(`${where}: ${file} has no ${words}`);
    }
  }
  expect(missing).toEqual([]);
});

const hasReference = existsSync(reference);
if (!hasReference) console.log(`features are not held against their list: no ${reference}`);

test.skipIf(!hasReference)("no feature and no table of upstream's tests is left out", () => {
  const rows = readFileSync(join(reference, "dockerfile-features.tsv"), "utf8").trim().split("\n").slice(1);
  expect(features.map(([, , name = ""]) => plain(name))).toEqual(rows.map((row) => row.split("\t")[0] ?? ""));
  const folder = join(reference, "dockerfile-testdata");
  const known = new Set(data.map(([, name]) => name));
  const left = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => statSync(join(folder, name)).isFile() && !/(?:README\.md|FORMAT\.txt)$/.test(name))
    .filter((name) => !known.has(name) && !known.has(name.split("/")[0] ?? ""));
  expect(left).toEqual([]);
});
