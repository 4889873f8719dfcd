import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EngineError, silentLogger } from "#base";
import { openDatabase } from "#db";
import { extractInto, type ImageStore, openImageStore } from "#images";
import { closeFd, listAttributesAt, openDirectory } from "#linux";
import { type Member, tarOf } from "./archives.ts";
import { failureOf } from "./failure-of.ts";

/*
 * Archives that try to leave their root. Beside every root lies a canary tree; whatever an archive does, the canary
 * must stay as it was, byte for byte and mode for mode.
 */

const root = mkdtempSync(join(tmpdir(), "berth-hostile-"));
const canary = join(root, "canary");
let store: ImageStore;

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Everything about a tree that an archive could have changed. */
function fingerprint(directory: string): string {
  const hash = createHash("sha256");
  const visit = (path: string) => {
    const status = lstatSync(path);
    hash.update(
      `${path} ${status.mode} ${status.uid} ${status.gid} ${status.size} ${status.mtimeMs} ${status.nlink}\n`,
    );
    if (status.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (status.isFile()) hash.update(readFileSync(path));
    else if (status.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
  };
  visit(directory);
  return hash.digest("hex");
}

const file = (path: string, text = "evil"): Member => ({ path, type: "file", text });
const link = (path: string, linkPath: string): Member => ({ path, type: "symlink", linkPath });
const hard = (path: string, linkPath: string): Member => ({ path, type: "hardlink", linkPath, mode: 0o777 });
const directory = (path: string, mode = 0o755): Member => ({ path, type: "directory", mode });
const attributes = (name: string, value: string) => new Map([[name, Buffer.from(value)]]);

const up = "../".repeat(20);
const corpus: readonly (readonly [name: string, members: readonly Member[]])[] = [
  ["a path with ..", [file("../canary/secret")]],
  ["a path with many ..", [file(`${up}${canary}/secret`)]],
  ["a path that goes in and out", [directory("a"), file("a/../../canary/secret")]],
  ["an absolute path", [file(`${canary}/secret`)]],
  ["an absolute path with //", [file(`//${canary}//new`)]],
  ["a link to an absolute directory, then a file through it", [link("x", canary), file("x/secret")]],
  ["a link to a relative directory, then a file through it", [link("x", "../../canary"), file("x/secret")]],
  ["two links in a row", [link("x", canary), link("y", "x"), file("y/secret")]],
  ["a link to .. step by step", [link("a", ".."), link("b", "a/.."), file("b/canary/secret")]],
  [
    "a link in a directory of links",
    [directory("d"), link("d/l", "../.."), link("m", "d/l/.."), file("m/canary/secret")],
  ],
  ["a link that is replaced by a directory", [link("x", canary), directory("x"), file("x/secret")]],
  ["a directory that is replaced by a link", [directory("x"), file("x/a"), link("x", canary), file("x/secret")]],
  ["a directory replaced by a link between two files", [file("x/a"), link("x", canary), file("x/new")]],
  ["a file through a link with the same name", [link("secret", `${canary}/secret`), file("secret")]],
  ["a file over a link to a file", [link("p", `${canary}/secret`), file("p", "overwritten")]],
  ["a directory entry over a link to a directory", [link("p", canary), directory("p", 0o777)]],
  ["a hard link to an absolute path", [hard("h", `${canary}/secret`), file("h", "overwritten")]],
  ["a hard link with ..", [hard("h", "../canary/secret")]],
  ["a hard link with many ..", [hard("h", `${up}${canary}/secret`)]],
  ["a hard link through a link", [link("x", canary), hard("h", "x/secret"), file("h", "overwritten")]],
  ["a hard link to a link", [link("x", `${canary}/secret`), hard("h", "x"), file("h", "overwritten")]],
  ["a hard link made through a link", [file("a"), link("x", canary), hard("x/h", "a")]],
  ["a hard link to the root", [hard("h", ".")]],
  ["a hard link to nothing", [hard("h", "absent")]],
  ["a hard link to itself", [file("a"), hard("a", "a")]],
  ["an entry for the root as link", [link(".", canary), file("secret")]],
  ["an entry without a name as link", [link("", canary), file("secret")]],
  ["an entry / as link", [link("/", canary), file("secret")]],
  ["an entry .. as link", [link("..", canary)]],
  ["an entry for the root as file", [file("./")]],
  ["a directory ..", [directory("..", 0o777)]],
  ["a directory ../canary", [directory("../canary", 0o777)]],
  ["modes through a link", [link("x", canary), { path: "x", type: "directory", mode: 0o777, uid: 1, gid: 1 }]],
  [
    "times through a link",
    [link("x", `${canary}/secret`), { path: "x", type: "symlink", linkPath: canary, mtimeSeconds: 1 }],
  ],
  ["an attribute through a link", [{ ...link("x", `${canary}/secret`), attributes: attributes("user.evil", "1") }]],
  ["a whiteout with ..", [file("../canary/.wh.secret")]],
  ["a whiteout through a link", [link("etc", canary), file("etc/.wh.secret")]],
  ["a whiteout of ..", [file(".wh...")]],
  ["a whiteout of .", [file(".wh..")]],
  ["a whiteout of nothing", [file(".wh.")]],
  ["an opaque mark through a link", [link("x", canary), file("x/.wh..wh..opq")]],
  ["an opaque mark in ..", [file("../canary/.wh..wh..opq")]],
  ["aufs metadata", [file(".wh..wh.plnk/1.2"), file(".wh..wh.aufs")]],
  [
    "a device through a link",
    [link("x", canary), { path: "x/null", type: "character", deviceMajor: 1, deviceMinor: 3 }],
  ],
  ["a FIFO through a link", [link("x", canary), { path: "x/fifo", type: "fifo" }]],
  ["a name with a newline", [file("a\n../canary/secret")]],
  ["a name that is no UTF-8", [directory("\xff"), file("\xff/\xfe")]],
  ["a path of 5000 bytes", [file("a/".repeat(2500))]],
  ["a name of 300 bytes", [file("n".repeat(300))]],
  ["a link to itself", [link("x", "x"), file("x/secret")]],
  ["a ring of links", [link("x", "y"), link("y", "x"), file("x/secret")]],
  ["a link into /proc", [link("x", "/proc/self/root"), file(`x${canary}/secret`)]],
  ["a link into /proc/self/cwd", [link("x", "/proc/self/cwd/../../../../"), file("x/berth-evil")]],
  ["a file below a file", [file("a"), file("a/b")]],
  ["a file in place of a directory with files", [file("d/a"), file("d/b"), file("d", "now a file")]],
];

beforeAll(() => {
  mkdirSync(canary);
  writeFileSync(join(canary, "secret"), "the canary", { mode: 0o600 });
  mkdirSync(join(canary, "inner"));
  const data = join(root, "data");
  store = openImageStore({ dataRoot: data, database: openDatabase(":memory:"), logger: silentLogger });
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("hostile archives", () => {
  test.each(corpus)("%s does not leave the layer", async (_name, members) => {
    const before = fingerprint(canary);
    const tar = tarOf(members);
    let diffId: string | undefined;
    try {
      ({ diffId } = await store.layers.apply(stream(tar)));
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
    }
    expect(fingerprint(canary)).toBe(before);
    expect(readdirSync(root).sort()).toEqual(["canary", "data"]);
    expect(readdirSync(join(root, "data", "tmp"))).toEqual([]);
    if (diffId === undefined) return;
    // What was accepted must be given back exactly, however odd it is.
    const pieces: Uint8Array[] = [];
    for await (const piece of store.layers.tarOf(diffId)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(tar)).toBe(true);
  });

  test.each(corpus)("%s does not leave the directory of a copy", async (_name, members) => {
    const target = mkdtempSync(join(root, "rootfs-"));
    mkdirSync(join(target, "into"));
    const before = fingerprint(canary);
    try {
      await extractInto(target, "into", stream(tarOf(members)));
    } catch (error) {
      expect(error).toBeInstanceOf(EngineError);
    }
    expect(fingerprint(canary)).toBe(before);
    // Anywhere inside of the root is the container's own business.
    expect(
      readdirSync(root)
        .filter((name) => !name.startsWith("rootfs-"))
        .sort(),
    ).toEqual(["canary", "data"]);
    rmSync(target, { recursive: true, force: true });
  });

  test("attributes and devices that would speak to overlayfs are left out", async () => {
    const { diffId } = await store.layers.apply(
      stream(
        tarOf([
          { ...directory("d"), attributes: attributes("trusted.overlay.opaque", "y") },
          { ...file("redirected"), attributes: attributes("trusted.overlay.redirect", "/etc") },
          { ...file("user"), attributes: attributes("user.overlay.whiteout", "y") },
          { ...file("kept"), attributes: attributes("user.mine", "yes") },
          { path: "hidden", type: "character", deviceMajor: 0, deviceMinor: 0 },
        ]),
      ),
    );
    const diff = store.layers.directoryOf(diffId);
    expect(readdirSync(diff).sort()).toEqual(["d", "kept", "redirected", "user"]);
    const fd = openDirectory(diff);
    const shown = readdirSync(diff).flatMap((name) => listAttributesAt(fd, name));
    closeFd(fd);
    expect(shown).toEqual(["user.mine"]);
  });

  test("contents that one layer writes twice are all given back", async () => {
    const tar = tarOf([
      file("a", "first"),
      hard("b", "a"),
      file("a", "second"),
      file("d/x", "in a directory"),
      file("d", "the directory is a file now"),
      link("usr", "lib"),
      directory("lib"),
      file("usr/f", "through a link"),
      file("lib/f", "straight"),
      file(".wh.gone", "whiteouts may have contents"),
    ]);
    const { diffId } = await store.layers.apply(stream(tar));
    const pieces: Uint8Array[] = [];
    for await (const piece of store.layers.tarOf(diffId)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(tar)).toBe(true);
    const diff = store.layers.directoryOf(diffId);
    expect(readFileSync(join(diff, "a"), "utf8")).toBe("second");
    expect(readFileSync(join(diff, "b"), "utf8")).toBe("first");
    expect(readFileSync(join(diff, "lib/f"), "utf8")).toBe("straight");
  });

  test("a layer whose digest is not the expected one leaves nothing", async () => {
    const expected = `sha256:${"0".repeat(64)}`;
    const failing = store.layers.apply(stream(tarOf([file("a")])), { expected });
    expect(await failureOf(failing)).toContain("layer does not match its digest");
    expect(store.layers.has(expected)).toBe(false);
    expect(readdirSync(join(root, "data", "tmp"))).toEqual([]);
  });
});
