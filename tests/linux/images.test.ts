import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Digest, digestOf, silentLogger } from "#base";
import { type Database, openDatabase } from "#db";
import { checkStore, type ImageStore, openImageStore, type StorageDriver } from "#images";
import { errorCode, mountOverlayByContext, mountOverlayByOptions, readMountInfo, unmount } from "#linux";
import { tarOf } from "./archives.ts";
import { failureOf } from "./failure-of.ts";

const base = mkdtempSync(join(tmpdir(), "berth-images-"));

async function* stream(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

function open(
  name: string,
  storageDriver?: StorageDriver,
): { store: ImageStore; database: Database; dataRoot: string } {
  const dataRoot = join(base, name);
  mkdirSync(dataRoot, { recursive: true });
  const database = openDatabase(join(dataRoot, "state.db"));
  return { store: openImageStore({ dataRoot, database, logger: silentLogger, storageDriver }), database, dataRoot };
}

/** A tree as text: one line a file with what an image must preserve. */
function listing(root: string): string[] {
  const lines: string[] = [];
  const visit = (path: string) => {
    for (const name of readdirSync(path).sort()) {
      const file = join(path, name);
      const status = lstatSync(file);
      const what = status.isSymbolicLink()
        ? `-> ${readlinkSync(file)}`
        : status.isFile()
          ? readFileSync(file, "utf8")
          : "";
      lines.push(`${file.slice(root.length)} ${status.mode.toString(8)} ${status.uid}:${status.gid} ${what}`);
      if (status.isDirectory()) visit(file);
    }
  };
  visit(root);
  return lines;
}

const layer1 = tarOf([
  { path: "etc/", type: "directory" },
  { path: "etc/passwd", type: "file", text: "root", mode: 0o600, uid: 1, gid: 2 },
  { path: "etc/group", type: "file", text: "group" },
  { path: "usr/", type: "directory" },
  { path: "usr/bin/", type: "directory", mode: 0o2755 },
  { path: "usr/bin/su", type: "file", text: "binary", mode: 0o4755 },
  { path: "usr/bin/su2", type: "hardlink", linkPath: "usr/bin/su", mode: 0o4755 },
  { path: "bin", type: "symlink", linkPath: "usr/bin" },
  { path: "opt/", type: "directory" },
  { path: "opt/old/", type: "directory" },
  { path: "opt/old/file", type: "file", text: "old" },
  { path: "tmp/", type: "directory", mode: 0o1777 },
  { path: "dev/", type: "directory" },
  { path: "dev/null", type: "character", mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
]);
const layer2 = tarOf([
  { path: "etc/", type: "directory" },
  { path: "etc/.wh.group", type: "file" },
  { path: "opt/", type: "directory" },
  { path: "opt/old/", type: "directory" },
  { path: "opt/old/.wh..wh..opq", type: "file" },
  { path: "opt/old/new", type: "file", text: "new" },
]);

describe.each(["overlay2", "vfs"] as const)("Snapshotter %s", (driver) => {
  let opened: ReturnType<typeof open>;
  let diffIds: Digest[];
  const snapshots = () => opened.store.snapshots;

  beforeAll(async () => {
    opened = open(`snapshots-${driver}`, driver);
    diffIds = [];
    for (const tar of [layer1, layer2]) diffIds.push((await opened.store.layers.apply(stream(tar))).diffId);
  });

  afterAll(async () => {
    for (const id of await snapshots().list()) await snapshots().remove(id);
    opened.database.close();
  });

  test("shows the layers as one tree, whiteouts and opaque directories applied", async () => {
    await snapshots().prepare("tree", diffIds);
    expect(listing(snapshots().mount("tree"))).toEqual([
      "/bin 120777 0:0 -> usr/bin",
      "/dev 40755 0:0 ",
      "/dev/null 20666 0:0 ",
      "/etc 40755 0:0 ",
      "/etc/passwd 100600 1:2 root",
      "/opt 40755 0:0 ",
      "/opt/old 40755 0:0 ",
      "/opt/old/new 100644 0:0 new",
      "/tmp 41777 0:0 ",
      "/usr 40755 0:0 ",
      "/usr/bin 42755 0:0 ",
      "/usr/bin/su 104755 0:0 binary",
      "/usr/bin/su2 104755 0:0 binary",
    ]);
    await snapshots().remove("tree");
    await snapshots().remove("tree");
  });

  test("prepare, mount and unmount are idempotent, and contents survive an unmount", async () => {
    await snapshots().prepare("again", diffIds);
    await snapshots().prepare("again", diffIds);
    const root = snapshots().mount("again");
    expect(snapshots().mount("again")).toBe(root);
    expect(snapshots().isMounted("again")).toBe(true);
    writeFileSync(join(root, "written"), "here");
    snapshots().unmount("again");
    snapshots().unmount("again");
    expect(snapshots().isMounted("again")).toBe(false);
    expect(readFileSync(join(snapshots().mount("again"), "written"), "utf8")).toBe("here");
    expect(await snapshots().list()).toContain("again");
    await snapshots().remove("again");
    expect(await snapshots().list()).not.toContain("again");
    expect(existsSync(root)).toBe(false);
  });

  test("changes tells what was added, modified and deleted, with parents", async () => {
    await snapshots().prepare("diff", diffIds);
    const root = snapshots().mount("diff");
    expect(await snapshots().changes("diff")).toEqual([]);
    writeFileSync(join(root, "etc/passwd"), "changed contents");
    mkdirSync(join(root, "srv/data"), { recursive: true });
    symlinkSync("x", join(root, "srv/link"));
    rmSync(join(root, "opt/old"), { recursive: true });
    rmSync(join(root, "usr/bin/su2"));
    expect(await snapshots().changes("diff")).toEqual([
      { kind: "modified", path: "/etc" },
      { kind: "modified", path: "/etc/passwd" },
      { kind: "modified", path: "/opt" },
      { kind: "deleted", path: "/opt/old" },
      { kind: "added", path: "/srv" },
      { kind: "added", path: "/srv/data" },
      { kind: "added", path: "/srv/link" },
      { kind: "modified", path: "/usr" },
      { kind: "modified", path: "/usr/bin" },
      { kind: "deleted", path: "/usr/bin/su2" },
    ]);
    expect(await snapshots().usage("diff")).toBeGreaterThan(0);
    await snapshots().remove("diff");
  });

  test.each(["adopt", "copyFrom"] as const)(
    "what changed becomes a layer by %s that shows the same tree",
    async (how) => {
      const { layers } = opened.store;
      const id = `layer-${how}`;
      await snapshots().prepare(id, diffIds, { discardable: how === "adopt" });
      const root = snapshots().mount(id);
      writeFileSync(join(root, "etc/new"), "new");
      rmSync(join(root, "etc/passwd"));
      rmSync(join(root, "usr"), { recursive: true });
      mkdirSync(join(root, "usr"));
      writeFileSync(join(root, "usr/only"), how);
      writeFileSync(join(root, "etc/hosts"), "");
      const expected = listing(root).filter((line) => !line.startsWith("/etc/hosts"));
      if (how === "adopt") snapshots().unmount(id);
      const directory = await snapshots().changesDirectory(id);
      const { diffId } = await layers[how](directory, { mountPoints: ["etc/hosts", "dev"] });
      expect(digestOf(await collect(layers.tarOf(diffId)))).toBe(diffId);
      if (how === "copyFrom") expect(readFileSync(join(root, "usr/only"), "utf8")).toBe(how);
      await snapshots().remove(id);
      await snapshots().prepare(`${id}-2`, [...diffIds, diffId]);
      expect(listing(snapshots().mount(`${id}-2`))).toEqual(expected);
      await snapshots().remove(`${id}-2`);
      // A layer given back as a tar and taken in again is the same layer.
      const again = open(`again-${driver}-${how}`, driver);
      const tar = await collect(layers.tarOf(diffId));
      expect((await again.store.layers.apply(stream(tar))).diffId).toBe(diffId);
      again.database.close();
    },
  );

  test("an image without layers has an empty root", async () => {
    await snapshots().prepare("scratch", []);
    const root = snapshots().mount("scratch");
    expect(readdirSync(root)).toEqual([]);
    writeFileSync(join(root, "file"), "x");
    expect(await snapshots().changes("scratch")).toEqual([{ kind: "added", path: "/file" }]);
    await snapshots().remove("scratch");
  });

  test("an unknown layer is refused and leaves no snapshot", async () => {
    expect(await failureOf(snapshots().prepare("unknown", [`sha256:${"1".repeat(64)}`]))).toContain(
      "is not in the store",
    );
    expect(await snapshots().list()).not.toContain("unknown");
    expect(() => snapshots().mount("unknown")).toThrow("no writable layer");
  });

  test("ids that are no file names are refused", async () => {
    for (const id of ["..", "../x", "a/b", "", ".hidden"]) {
      expect(await failureOf(snapshots().prepare(id, []))).not.toBe("");
    }
  });
});

describe("overlay mounts", () => {
  const manyLayers = async (count: number) => {
    const opened = open(`many-${count}`, "overlay2");
    const diffIds: Digest[] = [];
    for (let index = 0; index < count; index++) {
      const tar = tarOf([{ path: `file-${index}`, type: "file", text: String(index) }]);
      diffIds.push((await opened.store.layers.apply(stream(tar))).diffId);
    }
    return { ...opened, diffIds };
  };

  test("128 and 400 layers mount, by both calls", async () => {
    const { store, diffIds, dataRoot, database } = await manyLayers(400);
    for (const count of [128, 400]) {
      const id = `stack-${count}`;
      await store.snapshots.prepare(id, diffIds.slice(0, count));
      expect(readdirSync(store.snapshots.mount(id)).length).toBe(count);
      await store.snapshots.remove(id);
    }
    const links = readdirSync(join(dataRoot, "l")).filter((name) => name !== "empty");
    const overlay = (target: string) => ({
      lowers: links.map((name) => join(dataRoot, "l", name)),
      upper: join(dataRoot, "tmp", "upper"),
      work: join(dataRoot, "tmp", "work"),
      target,
      options: ["index=off"],
    });
    for (const name of ["upper", "work", "merged"]) mkdirSync(join(dataRoot, "tmp", name));
    const target = join(dataRoot, "tmp", "merged");
    for (const mount of [
      () => mountOverlayByOptions(overlay(target), dataRoot),
      () => mountOverlayByContext(overlay(target)),
    ]) {
      try {
        mount();
      } catch (error) {
        // Kernels before 6.7 have no lowerdir+.
        if (errorCode(error) !== "EINVAL") throw error;
        continue;
      }
      expect(readdirSync(target).length).toBe(400);
      unmount(target);
    }
    database.close();
  }, 60_000);

  test("a start finds what was mounted, and sweeps what nobody wants", async () => {
    const first = open("restart", "overlay2");
    const { diffId } = await first.store.layers.apply(stream(layer1));
    first.store.catalog.add({
      config: { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [diffId] } },
      tags: ["kept:1"],
    });
    await first.store.snapshots.prepare("wanted", [diffId]);
    await first.store.snapshots.prepare("unwanted", [diffId]);
    first.store.snapshots.mount("wanted");
    first.store.snapshots.mount("unwanted");
    writeFileSync(join(first.dataRoot, "tmp", "half-done"), "");
    mkdirSync(join(first.dataRoot, "layers", "f".repeat(64)));
    first.database.close();

    const second = open("restart", "overlay2");
    expect(readdirSync(join(second.dataRoot, "tmp")).filter((name) => name === "half-done")).toEqual([]);
    expect(second.store.snapshots.isMounted("wanted")).toBe(true);
    await second.store.snapshots.sweep(new Set(["wanted"]));
    const mounted = readMountInfo().filter(({ mountPoint }) => mountPoint.startsWith(second.dataRoot));
    expect(mounted.map(({ mountPoint }) => mountPoint)).toEqual([join(second.dataRoot, "snapshots/wanted/merged")]);
    expect(second.store.catalog.get("kept:1").repoTags).toEqual(["kept:1"]);
    expect(readdirSync(join(second.dataRoot, "layers"))).toEqual([diffId.slice(7)]);
    for (const id of ["wanted", "unwanted"]) await second.store.snapshots.remove(id);
    second.database.close();
  });

  test("no directory of the store is open to others", () => {
    for (const name of ["layers", "l", "snapshots", "tmp"]) {
      expect(statSync(join(base, "restart", name)).mode & 0o777).toBe(0o700);
    }
  });
});

describe("layers and images", () => {
  let opened: ReturnType<typeof open>;
  const config = (diffIds: readonly Digest[]) => ({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    created: "2024-05-06T07:08:09Z",
    config: { Cmd: ["sh"], Env: ["A=1"] },
    rootfs: { type: "layers" as const, diff_ids: [...diffIds] },
    history: diffIds.map(() => ({ created_by: "test" })),
  });

  beforeAll(() => {
    opened = open("images");
  });
  afterAll(() => opened.database.close());

  test("gzip, zstd, xz and bzip2 layers have the diffID of their tar", async () => {
    for (const [program, ...args] of [
      ["gzip", "-c"],
      ["zstd", "-c"],
      ["xz", "-c"],
      ["bzip2", "-c"],
    ] as const) {
      const packed = spawnSync(program, args, { input: layer1 });
      // Not on every machine.
      if (packed.error !== undefined) continue;
      const { diffId } = await opened.store.layers.apply(stream(packed.stdout));
      expect(diffId).toBe(digestOf(layer1));
    }
    const broken = spawnSync("gzip", ["-c"], { input: layer1 }).stdout.subarray(0, 100);
    expect(await failureOf(opened.store.layers.apply(stream(broken)))).toContain("invalid layer archive");
  });

  test("GNU tar's archives are given back byte for byte", async () => {
    const tree = join(base, "tree");
    mkdirSync(join(tree, "directory".repeat(20), "sub".repeat(30)), { recursive: true });
    writeFileSync(join(tree, "directory".repeat(20), "sub".repeat(30), "f"), "deep");
    writeFileSync(join(tree, "größe"), "ü");
    for (const format of ["gnu", "posix", "ustar", "v7"]) {
      const tar = spawnSync("tar", ["-C", tree, `--format=${format}`, "-cf", "-", "."], { maxBuffer: 1e8 }).stdout;
      const { diffId } = await opened.store.layers.apply(stream(tar));
      expect((await collect(opened.store.layers.tarOf(diffId))).equals(tar)).toBe(true);
    }
  });

  test("sparse files of all forms keep their holes, and their archives are given back byte for byte", async () => {
    const tree = join(base, "sparse");
    mkdirSync(tree);
    const file = join(tree, "disk");
    writeFileSync(file, "");
    const size = 64 * 1024 * 1024;
    truncateSync(file, size);
    const fd = openSync(file, "r+");
    // More pieces than GNU's header and its first block behind it hold, and a hole at the end.
    for (let index = 0; index < 40; index++) writeSync(fd, `piece ${index}`, 1_000_000 * index + 4096);
    closeSync(fd);
    writeFileSync(join(tree, "after"), "plain");
    for (const flags of [
      ["--format=gnu"],
      ["--format=posix", "--sparse-version=0.0"],
      ["--format=posix", "--sparse-version=0.1"],
      ["--format=posix", "--sparse-version=1.0"],
    ]) {
      const tar = spawnSync("tar", ["-C", tree, "-S", ...flags, "-cf", "-", "disk", "after"], {
        maxBuffer: 1e9,
      }).stdout;
      expect(tar.length).toBeLessThan(2_000_000);
      const { diffId } = await opened.store.layers.apply(stream(tar));
      expect((await collect(opened.store.layers.tarOf(diffId))).equals(tar)).toBe(true);
      const unpacked = join(opened.store.layers.directoryOf(diffId), "disk");
      const status = statSync(unpacked);
      expect([status.size, status.blocks * 512 < 2_000_000]).toEqual([size, true]);
      expect(readFileSync(unpacked).equals(readFileSync(file))).toBe(true);
      expect(readFileSync(join(unpacked, "../after"), "utf8")).toBe("plain");
    }
  });

  test("a damaged layer is noticed when it is read", async () => {
    const { diffId } = await opened.store.layers.apply(stream(tarOf([{ path: "f", type: "file", text: "good" }])));
    writeFileSync(join(opened.store.layers.directoryOf(diffId), "f"), "evil");
    expect(await failureOf(collect(opened.store.layers.tarOf(diffId)))).toContain("is damaged");
  });

  test("verify() finds what is damaged, remembers it over a restart, and apply() repairs it", async () => {
    let own = open("damage");
    const tar = tarOf([
      { path: "f", type: "file", text: "good" },
      { path: "d/g", type: "file", text: "good too" },
    ]);
    const { diffId } = await own.store.layers.apply(stream(tar));
    const { id } = own.store.catalog.add({ config: config([diffId]), tags: ["damaged:1"] });
    const check = () => checkStore(own.store, () => {});
    expect(await check()).toMatchObject({ layers: 1, images: 1, damage: [] });
    const place = own.store.layers.directoryOf(diffId);
    for (const damage of [
      () => writeFileSync(join(place, "f"), "evil"),
      () => truncateSync(join(place, "d/g"), 3),
      () => rmSync(join(place, "f")),
      () => rmSync(place, { recursive: true }),
    ]) {
      damage();
      const { damage: found } = await check();
      expect(found).toMatchObject([{ kind: "layer", id: diffId, imageIds: [id] }]);
      own.database.close();
      own = open("damage");
      expect(own.store.layers.has(diffId)).toBe(false);
      // The image is still listed, and its containers can be removed.
      expect(own.store.catalog.get("damaged:1").id).toBe(id);
      await own.store.layers.apply(stream(tar), { expected: diffId });
      expect(own.store.layers.has(diffId)).toBe(true);
      expect(await check()).toMatchObject({ damage: [] });
      expect(readFileSync(join(place, "f"), "utf8")).toBe("good");
    }
    own.database.close();
  });

  test("20 concurrent applications of one layer are one", async () => {
    const tar = tarOf([{ path: "shared", type: "file", text: "x".repeat(100_000) }]);
    const expected = digestOf(tar);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => opened.store.layers.apply(stream(tar), { expected })),
    );
    expect(new Set(all.map(({ diffId }) => diffId))).toEqual(new Set([expected]));
    expect(readdirSync(join(opened.dataRoot, "tmp"))).toEqual([]);
  });

  test("what is saved is loaded with equal digests, in one archive or several", async () => {
    const { layers, catalog } = opened.store;
    const diffIds = [(await layers.apply(stream(layer1))).diffId, (await layers.apply(stream(layer2))).diffId];
    const two = catalog.add({ config: config(diffIds), tags: ["app:1", "registry.example:5000/app:one"] });
    const one = catalog.add({ config: config(diffIds.slice(0, 1)), tags: ["app:0"] });
    const empty = catalog.add({ config: config([]), tags: ["scratchy"] });
    const archive = await collect(catalog.save(["app", "registry.example:5000/app:one", "scratchy"]));
    expect((await collect(catalog.save(["app", "registry.example:5000/app:one", "scratchy"]))).equals(archive)).toBe(
      true,
    );

    const other = open("loaded");
    const said: unknown[] = [];
    const loaded = await other.store.catalog.load(stream(archive), (record) => said.push(record.stream));
    expect(new Set(loaded.map(({ id }) => id))).toEqual(new Set([one.id, two.id, empty.id]));
    expect(other.store.catalog.get("app:1").repoTags).toEqual(["app:1", "registry.example:5000/app:one"]);
    expect(said).toContain("Loaded image: app:0\n");
    expect(
      (await collect(other.store.catalog.save(["app", "registry.example:5000/app:one", "scratchy"]))).equals(archive),
    ).toBe(true);
    await other.store.catalog.load(stream(archive), () => {});
    expect(other.store.catalog.list().length).toBe(3);
    other.database.close();
  });

  test("an image that is removed takes its layers along, but not those others hold", async () => {
    const other = open("removal");
    const { layers, catalog, snapshots } = other.store;
    const diffIds = [(await layers.apply(stream(layer1))).diffId, (await layers.apply(stream(layer2))).diffId];
    catalog.add({ config: config(diffIds), tags: ["two"] });
    catalog.add({ config: config(diffIds.slice(0, 1)), tags: ["one"] });
    const options = { force: false, prune: true, usedBy: () => [] };
    await snapshots.prepare("holder", diffIds);
    await catalog.remove("two", options);
    expect(diffIds.map((diffId) => layers.has(diffId))).toEqual([true, true]);
    await snapshots.remove("holder");
    layers.pin("cache", [diffIds[1] as Digest]);
    await layers.collectGarbage();
    expect(diffIds.map((diffId) => layers.has(diffId))).toEqual([true, true]);
    layers.unpin("cache");
    const lease = layers.lease([diffIds[1] as Digest]);
    await layers.collectGarbage();
    expect(layers.has(diffIds[1] as Digest)).toBe(true);
    lease.release();
    await layers.collectGarbage();
    expect(diffIds.map((diffId) => layers.has(diffId))).toEqual([true, false]);
    await catalog.remove("one", options);
    expect(readdirSync(join(other.dataRoot, "layers"))).toEqual([]);
    expect(readdirSync(join(other.dataRoot, "l"))).toEqual(["empty"]);
    other.database.close();
  });

  // The file `repositories` of old archives moved names nobody asked for (CVE-2026-53489).
  test("an archive moves the names of its manifest alone", async () => {
    const other = open("names");
    const { layers, catalog } = other.store;
    const { diffId } = await layers.apply(stream(layer1));
    const kept = catalog.add({ config: config([diffId]), tags: ["app:1"] });
    const archive = tarOf([
      { path: "c", type: "file", text: JSON.stringify(config([])) },
      { path: "repositories", type: "file", text: JSON.stringify({ app: { 1: "0".repeat(64) } }) },
      { path: "manifest.json", type: "file", text: '[{"Config":"c","Layers":[],"RepoTags":["other:1","../x:1"]}]' },
    ]);
    await catalog.load(stream(archive), () => {});
    // What is no name is left out.
    expect([catalog.get("app:1").id, catalog.get("other:1").repoTags]).toEqual([kept.id, ["other:1"]]);
    other.database.close();
  });

  test.each<[string, () => Buffer, string]>([
    ["without a manifest", () => tarOf([{ path: "x", type: "file", text: "y" }]), "neither a manifest.json nor"],
    ["with a manifest that is no JSON", () => tarOf([{ path: "manifest.json", type: "file", text: "{" }]), "not JSON"],
    [
      "that names a file of the host",
      () => tarOf([{ path: "manifest.json", type: "file", text: '[{"Config":"../../../../etc/passwd","Layers":[]}]' }]),
      "lies outside",
    ],
    [
      "whose config is a link to the host",
      () =>
        tarOf([
          { path: "c.json", type: "symlink", linkPath: "/etc/passwd" },
          { path: "manifest.json", type: "file", text: '[{"Config":"c.json","Layers":[]}]' },
        ]),
      "is not in it",
    ],
    [
      "with links in a ring",
      () =>
        tarOf([
          { path: "a", type: "symlink", linkPath: "b" },
          { path: "b", type: "symlink", linkPath: "a" },
          { path: "manifest.json", type: "file", text: '[{"Config":"a","Layers":[]}]' },
        ]),
      "go in circles",
    ],
    [
      "whose layer is another than its config says",
      () =>
        tarOf([
          { path: "c", type: "file", text: JSON.stringify(config([`sha256:${"a".repeat(64)}`])) },
          { path: "l", type: "file", text: layer1.toString("latin1") },
          { path: "manifest.json", type: "file", text: '[{"Config":"c","Layers":["l"]}]' },
        ]),
      "does not match its digest",
    ],
    [
      "that is index and manifest at once",
      () =>
        tarOf([
          { path: "oci-layout", type: "file", text: "{}" },
          { path: "index.json", type: "file", text: '{"schemaVersion":2,"manifests":[],"layers":[]}' },
        ]),
      "an index has no layers",
    ],
    [
      "with a digest that is a path",
      () =>
        tarOf([
          { path: "oci-layout", type: "file", text: "{}" },
          {
            path: "index.json",
            type: "file",
            text: '{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x","size":1}]}',
          },
        ]),
      "malformed digest",
    ],
    [
      "with a manifest.json without end",
      () => tarOf([{ path: "manifest.json", type: "file", text: " ".repeat(8 * 1024 * 1024 + 1) }]),
      "has more than",
    ],
    [
      "with an oci-layout without end",
      () =>
        tarOf([
          { path: "oci-layout", type: "file", text: " ".repeat(1025) },
          { path: "index.json", type: "file", text: '{"schemaVersion":2,"manifests":[]}' },
        ]),
      "has more than",
    ],
    [
      "whose layer is a link to the host",
      () =>
        tarOf([
          { path: "c", type: "file", text: JSON.stringify(config([digestOf(layer1)])) },
          { path: "l/layer.tar", type: "symlink", linkPath: "../../../../../../etc/passwd" },
          { path: "manifest.json", type: "file", text: '[{"Config":"c","Layers":["l/layer.tar"]}]' },
        ]),
      "lies outside",
    ],
    [
      "whose blob is a hard link to the host",
      () =>
        tarOf([
          { path: "c", type: "hardlink", linkPath: "/etc/passwd" },
          { path: "manifest.json", type: "file", text: '[{"Config":"c","Layers":[]}]' },
        ]),
      "is not in it",
    ],
  ])("an archive %s is refused and leaves nothing", async (_name, make, message) => {
    const other = open("refused");
    expect(await failureOf(other.store.catalog.load(stream(make()), () => {}))).toContain(message);
    expect(other.store.catalog.list()).toEqual([]);
    expect(readdirSync(join(other.dataRoot, "tmp"))).toEqual([]);
    other.database.close();
  });
});

afterAll(() => rmSync(base, { recursive: true, force: true }));
