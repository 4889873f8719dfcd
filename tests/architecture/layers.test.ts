import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { layers } from "../../layers.ts";

const source = join(import.meta.dir, "../../src");
const folders = readdirSync(source, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);
const table: Record<string, readonly string[]> = layers;
const forbidden = /(^|[/-])(utils?|helpers?|common|misc|shared|manager|core|lib|types)([./-]|$)/;

function filesOf(folder: string): string[] {
  return readdirSync(join(source, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(source, folder, file));
}

/** Every module specifier of a file, type-only imports and re-exports included. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "");
}

describe("layers.ts", () => {
  test("has a row for each folder of src", () => {
    for (const folder of folders) expect(Object.keys(table)).toContain(folder);
  });

  test("names in a row only rows above it", () => {
    const seen = new Set<string>();
    for (const [folder, allowed] of Object.entries(table)) {
      for (const name of allowed) expect(seen.has(name) ? name : `${folder} → ${name}`).toBe(name);
      seen.add(folder);
    }
  });

  test.each(folders)("%s imports only what its row allows, and only through doors", (folder) => {
    const wrong: string[] = [];
    for (const file of filesOf(folder)) {
      for (const specifier of importsOf(file)) {
        const name = relative(source, file);
        if (specifier.startsWith("#")) {
          const target = specifier.slice(1);
          // A test may build its subject from real parts of any lower layer; the product may not.
          if (!(table[folder] ?? []).includes(target)) wrong.push(`${name} imports ${specifier}`);
        } else if (specifier.startsWith(".")) {
          const resolved = relative(source, join(file, "..", specifier));
          if (resolved.split("/")[0] !== folder && !resolved.startsWith(".."))
            wrong.push(`${name} imports ${specifier} past the door`);
          if (resolved === `${folder}/index.ts`) wrong.push(`${name} imports its own door`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each(folders)("%s has a door and a README of at most 60 lines", (folder) => {
    expect(existsSync(join(source, folder, "index.ts"))).toBe(true);
    const readme = join(source, folder, "README.md");
    expect(existsSync(readme)).toBe(true);
    expect(readFileSync(readme, "utf8").split("\n").length).toBeLessThanOrEqual(61);
  });

  test("no file or folder is a dumping ground", () => {
    const names = readdirSync(source, { recursive: true, encoding: "utf8" });
    expect(names.filter((name) => forbidden.test(name))).toEqual([]);
  });

  test("only linux/ffi touches bun:ffi and only db touches bun:sqlite", () => {
    for (const folder of folders) {
      for (const file of filesOf(folder)) {
        const imports = importsOf(file);
        const name = relative(source, file);
        if (!name.startsWith("linux/ffi/")) expect(imports.includes("bun:ffi") ? name : "").toBe("");
        if (!name.startsWith("db/")) expect(imports.includes("bun:sqlite") ? name : "").toBe("");
      }
    }
  });
});
