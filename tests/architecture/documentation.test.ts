import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const root = join(import.meta.dir, "../..");
const source = join(root, "src");
const doors = readdirSync(source, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

const read = (path: string) => readFileSync(join(root, path), "utf8");

function filesBelow(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => pattern.test(name) && !name.includes("node_modules"))
    .map((name) => join(folder, name));
}

/** Codes declared by `defineErrors({ … })` in the catalogues, with their kinds; read as text so that nothing is loaded. */
function declaredCodes(): Map<string, string> {
  const codes = new Map<string, string>();
  for (const file of filesBelow("src", /errors\.ts$/)) {
    for (const match of read(file).matchAll(/^ {2}(?:"([^"]+)"|([\w-]+)): \{\s*kind: "([^"]+)"/gm)) {
      codes.set(match[1] ?? match[2] ?? "", match[3] ?? "");
    }
  }
  return codes;
}

function documentedCodes(): Map<string, string> {
  const rows = [...read("docs/errors.md").matchAll(/^\| ([^|]+?) \| ([^|]+?) \| (.+?) \|$/gm)];
  return new Map(
    rows.flatMap(([, code = "", kind = ""]): [string, string][] =>
      code === "code" || /^-+$/.test(code) ? [] : [[code.replaceAll("`", ""), kind]],
    ),
  );
}

describe("docs/errors.md", () => {
  test("has each declared code once, with its kind, and no other", () => {
    const declared = declaredCodes();
    const documented = documentedCodes();
    expect(declared.size).toBeGreaterThan(100);
    expect([...declared.keys()].filter((code) => !documented.has(code))).toEqual([]);
    expect([...documented.keys()].filter((code) => !declared.has(code))).toEqual([]);
    for (const [code, kind] of declared) expect(`${code} ${documented.get(code)}`).toBe(`${code} ${kind}`);
    const rows = [...read("docs/errors.md").matchAll(/^\| (?!code |-)([^|]+?) \|/gm)].map(([, code]) => code);
    expect(rows.length).toBe(new Set(rows).size);
  });
});

describe("doors", () => {
  test.each(doors)("what %s exports has a doc comment where it is declared", (folder) => {
    const missing: string[] = [];
    for (const { name, file } of exportsOf(join(source, folder, "index.ts"))) {
      const text = readFileSync(file, "utf8");
      const declaration = new RegExp(
        `^(?:export )?(?:declare )?(?:async )?(?:abstract )?(?:const|let|function\\*?|class|type|interface) ${name}\\b`,
        "m",
      ).exec(text);
      if (declaration === null) continue; // re-exported further down, checked there
      if (!/\*\/\s*(?:\/\/[^\n]*\n\s*)*$/.test(text.slice(0, declaration.index)))
        missing.push(`${name} in ${relative(root, file)}`);
    }
    expect(missing).toEqual([]);
  });
});

/** Names a door passes on and the file each comes from, followed through inner index files. */
function exportsOf(door: string): { name: string; file: string }[] {
  const found: { name: string; file: string }[] = [];
  const text = readFileSync(door, "utf8");
  for (const [, names, from] of text.matchAll(/export (?:type )?\{([^}]*)\} from "(\.[^"]+)"/g)) {
    const file = join(door, "..", from ?? "");
    const wanted = (names ?? "").split(",").map((name) =>
      name
        .trim()
        .replace(/^type /, "")
        .replace(/ as .*/, ""),
    );
    const inner = file.endsWith("/index.ts") ? exportsOf(file) : [];
    for (const name of wanted.filter(Boolean)) found.push(inner.find((entry) => entry.name === name) ?? { name, file });
  }
  for (const [, from] of text.matchAll(/export (?:type )?\* from "(\.[^"]+)"/g)) {
    const file = join(door, "..", from ?? "");
    if (file.endsWith("/index.ts")) found.push(...exportsOf(file));
    else
      for (const [, name = ""] of readFileSync(file, "utf8").matchAll(
        /^export (?:async )?(?:const|function|class|type) (\w+)/gm,
      ))
        found.push({ name, file });
  }
  return found;
}

describe("the text of the project", () => {
  const files = [
    ...["src", "tests", "bench", "docs", "examples", "packaging"].flatMap((folder) =>
      filesBelow(folder, /\.(ts|md|json|service|sh|tsv)$|Dockerfile$/),
    ),
    ...readdirSync(join(root, "scripts")).map((name) => join("scripts", name)),
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "AGENTS.md",
    "CHANGELOG.md",
    "layers.ts",
  ];

  test("names no path of somebody's own machine", () => {
    const wrong = files.flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line, index) =>
          /(?<![\w.-])\/(home|Users)\/[a-z]+\//.test(line) ? [`${file}:${index + 1} ${line}`] : [],
        ),
    );
    expect(wrong).toEqual([]);
  });

  test("has no unfinished work without an issue number", () => {
    const mark = new RegExp(
      `\\b(${["TO", "DO"].join("")}|${["FIX", "ME"].join("")}|${["XX", "X"].join("")})\\b(?!.*#\\d)`,
    );
    const wrong = files.filter((file) => file.endsWith(".ts")).flatMap((file) => (mark.test(read(file)) ? [file] : []));
    expect(wrong).toEqual([]);
  });

  test("has no any", () => {
    const wrong = files
      .filter((file) => /^src\/.*\.ts$/.test(file))
      .flatMap((file) => (/(?::|<|as|\|) any\b(?![ \w]*["'`])/.test(codeOnly(read(file))) ? [file] : []));
    expect(wrong).toEqual([]);
  });

  test("links of the guides lead somewhere", () => {
    const wrong: string[] = [];
    for (const file of files.filter((name) => name.endsWith(".md"))) {
      for (const [, target = ""] of read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        if (!exists(join(root, file, "..", target))) wrong.push(`${file} → ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["ARCHITECTURE.md", 80],
    ["CONTRIBUTING.md", 100],
    ["AGENTS.md", 100],
  ])("%s stays within %i lines", (file, lines) => {
    expect(read(file).split("\n").length).toBeLessThanOrEqual(lines + 1);
  });

  test("AGENTS.md names files that exist", () => {
    const wrong = [...read("AGENTS.md").matchAll(/`((?:src|tests|docs|bench)\/[\w./-]+)`/g)]
      .map(([, path = ""]) => path)
      .filter((path) => !/NAME|SUBJECT/.test(path) && !exists(join(root, path)));
    expect(wrong).toEqual([]);
  });

  test("docs/configuration.md has each daemon flag", () => {
    const flags = [
      ...(/const flags = \{([\s\S]*?)\n\} as const/.exec(read("src/daemon/options.ts"))?.[1] ?? "").matchAll(
        /^ {2}"?([\w-]+)"?: \{/gm,
      ),
    ].map(([, name = ""]) => name);
    expect(flags.length).toBeGreaterThan(15);
    expect(flags.filter((name) => !read("docs/configuration.md").includes(`--${name}`))).toEqual([]);
  });
});

/** A source text without comments and strings. */
function codeOnly(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "");
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOTDIR";
  }
}
