import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test("every test that docs/security-cases.md names is there", () => {
  const table = readFileSync(join(root, "docs/security-cases.md"), "utf8");
  const rows = table.split("\n").filter((line) => /^\|.*`(?:tests|src)\//.test(line));
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter((row) => {
    const [, file = "", name = ""] = /`([^`]+\.test\.ts)`(?: "([^"]+)")?/.exec(row) ?? [];
    const path = join(root, file);
    return file === "" || !existsSync(path) || !readFileSync(path, "utf8").includes(name);
  });
  expect(missing).toEqual([]);
});
