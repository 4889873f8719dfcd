import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const rows = [
  ...readFileSync(join(root, "docs/subtle-behaviours.md"), "utf8").matchAll(/^\| (\d+) \| (.+) \| (.+) \|$/gm),
];

test("docs/subtle-behaviours.md has every number once", () => {
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 184 }, (_, index) => index + 1));
});

test("the tests that docs/subtle-behaviours.md names are there", () => {
  const missing = rows.flatMap(([, number, , where = ""]) => {
    const [, file, title = ""] = /^\[([^\]]+)\]\([^)]*\): (.+)$/.exec(where) ?? [];
    // A row without a test says why, in words.
    if (file === undefined) return where.length > 20 ? [] : [`${number}: neither test nor reason`];
    return readFileSync(join(root, file), "utf8").includes(title.replaceAll("\\|", "|"))
      ? []
      : [`${number}: ${file}: ${title}`];
  });
  expect(missing).toEqual([]);
});
