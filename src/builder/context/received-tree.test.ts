import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReceivedTree } from "./received-tree.ts";
import type { SourceEntry, SourceTree } from "./tree.ts";

const folder = mkdtempSync(join(tmpdir(), "received-"));
afterAll(() => rmSync(folder, { recursive: true }));

const entry = (path: string, type: SourceEntry["type"], extra: Partial<SourceEntry> = {}) => ({
  path,
  type,
  mode: type === "directory" ? 0o755 : 0o644,
  uid: 0,
  gid: 0,
  sizeBytes: 0,
  mtimeSeconds: 1,
  mtimeNanoseconds: 2,
  linkTarget: "",
  deviceMajor: 0,
  deviceMinor: 0,
  attributes: new Map<string, Buffer>(),
  ...extra,
});

function contentOf(tree: SourceTree, path: string): string {
  const found = tree.find(path);
  if (found === undefined) throw new Error(`no ${path}`);
  const reader = tree.open(found);
  const parts: Buffer[] = [];
  for (let position = 0; ;) {
    const buffer = Buffer.alloc(7);
    const count = reader.read(buffer, position);
    if (count === 0) return Buffer.concat(parts).toString();
    parts.push(buffer.subarray(0, count));
    position += count;
  }
}

test.each([
  ["memory", 1024],
  ["a nameless file", 0],
  ["both", 20],
])("createReceivedTree keeps contents that arrive in pieces in %s", async (_where, memoryBytes) => {
  const { tree, add, content } = createReceivedTree({ spoolPath: join(folder, `spool-${memoryBytes}`), memoryBytes });
  add(entry("d", "directory"));
  add(entry("d/a", "file", { sizeBytes: 20 }));
  add(entry("d/b", "file", { sizeBytes: 22 }));
  add(entry("link", "symlink", { linkTarget: "d/a" }));
  add(entry("other", "file", { linkTarget: "d/a", sizeBytes: 20 }));
  const [a, b] = [content("d/a"), content("d/b")];
  for (const part of ["0123456789", "abcdefghij"]) {
    a.write(Buffer.from(part));
    b.write(Buffer.from(`${part}+`));
  }
  a.end();
  b.end();
  expect(readdirSync(folder)).toEqual([]);
  expect(contentOf(tree, "d/a")).toBe("0123456789abcdefghij");
  expect(contentOf(tree, "d/b")).toBe("0123456789+abcdefghij+");
  expect(contentOf(tree, "other")).toBe("0123456789abcdefghij");
  const found = tree.find("d/a");
  expect(found?.inodeKey).toBe(tree.find("other")?.inodeKey ?? "none");
  expect(found && (await tree.digest(found))).toBe(createHash("sha256").update("0123456789abcdefghij").digest("hex"));
  expect(tree.list("").map(({ path, type }) => `${path} ${type}`)).toEqual([
    "d directory",
    "link symlink",
    "other file",
  ]);
  tree.close();
});

test.each(["../up", "a/../b", "/abs", "a//b", ".", "", "missing/child", "a\0b"])(
  "createReceivedTree refuses the path %j",
  (path) => {
    const { add } = createReceivedTree({ spoolPath: join(folder, "none") });
    expect(() => add(entry(path, "file"))).toThrow("build context");
  },
);

test("createReceivedTree refuses more than was announced, and a link to nothing", () => {
  const { add, content } = createReceivedTree({ spoolPath: join(folder, "none") });
  add(entry("f", "file", { sizeBytes: 3 }));
  expect(() => content("f").write(Buffer.from("four"))).toThrow("grew");
  expect(() => content("g")).toThrow("no file");
  expect(() => add(entry("h", "file", { linkTarget: "nowhere" }))).toThrow("no file before it");
});

test("createReceivedTree takes a file that shrank for what arrived", () => {
  const { tree, add, content } = createReceivedTree({ spoolPath: join(folder, "none") });
  add(entry("f", "file", { sizeBytes: 30 }));
  const writer = content("f");
  writer.write(Buffer.from("ten bytes!"));
  writer.end();
  expect(tree.find("f")?.sizeBytes).toBe(10);
  expect(contentOf(tree, "f")).toBe("ten bytes!");
});
