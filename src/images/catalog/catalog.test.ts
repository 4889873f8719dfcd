import { beforeEach, describe, expect, test } from "bun:test";
import { type Digest, digestOf, silentLogger } from "#base";
import { type Database, openDatabase } from "#db";
import type { ImageCatalog, ImageUser } from "../contract.ts";
import type { StoreLayout } from "../layers/layout.ts";
import type { LayerShelf } from "../layers/store.ts";
import { createImageCatalog } from "./catalog.ts";
import { parseImageConfig } from "./image-config.ts";
import { openImageIndex } from "./index-of-images.ts";

const layerA = digestOf("a");
const layerB = digestOf("b");

/** Layers by name only: each has 100 bytes and is always there. */
function fakeLayers(): LayerShelf {
  const never = () => {
    throw new Error("not in this test");
  };
  return {
    has: (diffId) => diffId === layerA || diffId === layerB,
    list: () => [],
    isListed: () => false,
    verify: never,
    sizeOf: () => 100,
    tarSizeOf: () => 1024,
    directoryOf: never,
    findDirectories: never,
    linkOf: never,
    isOpaque: () => false,
    apply: never,
    adopt: never,
    copyFrom: never,
    packedOf: () => [],
    openPacked: never,
    partialOf: () => undefined,
    forgetPartials: () => 0,
    dropPacked: never,
    tarOf: never,
    lease: never,
    pin: () => {},
    unpin: () => {},
    taken: () => {},
    pinOwners: () => [],
    collectGarbage: async () => 0,
    totalSize: () => 0,
    addHolder: () => {},
  };
}

let database: Database;
let catalog: ImageCatalog;
const nobody = { force: false, prune: true, usedBy: () => [] };

/** The message a promise is rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("it did not fail");
}

function openCatalog(): ImageCatalog {
  return createImageCatalog({
    index: openImageIndex(database),
    layers: fakeLayers(),
    layout: {} as StoreLayout,
    logger: silentLogger,
  });
}

function add(author: string, options: { tags?: string[]; parentId?: Digest; layers?: Digest[] } = {}) {
  return catalog.add({
    config: {
      architecture: "amd64",
      os: "linux",
      author,
      created: `2024-01-01T00:00:0${author.length}Z`,
      rootfs: { type: "layers", diff_ids: options.layers ?? [layerA] },
      history: (options.layers ?? [layerA]).map(() => ({ created_by: author })),
    },
    tags: options.tags,
    parentId: options.parentId,
  });
}

function usedBy(id: Digest, running: boolean) {
  return (asked: Digest): readonly ImageUser[] =>
    asked === id ? [{ containerId: "c0ffee".padEnd(64, "0"), running }] : [];
}

beforeEach(() => {
  database = openDatabase(":memory:");
  catalog = openCatalog();
});

describe("find()", () => {
  test("by tag, familiar or full, and by id, with and without algorithm", () => {
    const image = add("x", { tags: ["debian:bookworm", "plain"] });
    for (const reference of [
      "debian:bookworm",
      "docker.io/library/debian:bookworm",
      "plain",
      "plain:latest",
      image.id,
      image.id.slice(7),
      image.id.slice(7, 11),
      image.id.slice(0, 20),
    ]) {
      expect(catalog.find(reference)?.id).toBe(image.id);
    }
    expect(catalog.find("debian")).toBeUndefined();
    expect(catalog.find(image.id.slice(7, 10))).toBeUndefined();
  });

  test("a tag with the spelling of an id prefix wins, and an ambiguous prefix is an error", () => {
    const byPrefix = new Map<string, Digest>();
    for (let index = 0; ; index++) {
      const { id } = add(`n${index}`);
      const prefix = id.slice(7, 11);
      if (byPrefix.has(prefix)) {
        expect(() => catalog.find(prefix)).toThrow(`ambiguous reference: ${prefix}`);
        const tagged = add("tagged", { tags: [prefix] });
        expect(catalog.find(prefix)?.id).toBe(tagged.id);
        return;
      }
      byPrefix.set(prefix, id);
    }
  });

  test("by repository and manifest digest", () => {
    const image = add("x", { tags: ["thing:1"] });
    const bytes = Buffer.from("manifest");
    const digest = catalog.addManifest(image.id, { repository: "thing", bytes, mediaType: "application/json" });
    expect(catalog.find(`thing@${digest}`)?.id).toBe(image.id);
    expect(catalog.find(`thing:whatever@${digest}`)?.id).toBe(image.id);
    expect(catalog.find(`other@${digest}`)).toBeUndefined();
    expect(catalog.get("thing:1").repoDigests).toEqual([`thing@${digest}`]);
    expect(Buffer.from(catalog.manifestOf(image.id)?.bytes ?? "").toString()).toBe("manifest");
  });

  test("get() fails in Docker's words", () => {
    expect(() => catalog.get("alpine")).toThrow("No such image: alpine:latest");
    expect(() => catalog.get("Alpine")).toThrow("must be lowercase");
    expect(() => catalog.get("a b")).toThrow("invalid reference format");
  });
});

describe("tag()", () => {
  test("moves a name, and refuses digests and the name sha256", () => {
    const first = add("a", { tags: ["app"] });
    const second = add("bb");
    catalog.tag(second.id, "app");
    expect(catalog.get("app").id).toBe(second.id);
    expect(catalog.get(first.id).repoTags).toEqual([]);
    expect(() => catalog.tag(first.id, `app@${first.id}`)).toThrow("refusing to create a tag with a digest reference");
    expect(() => catalog.tag(first.id, "sha256:abc")).toThrow("refusing to create an ambiguous tag");
    expect(() => catalog.tag(first.id, "UPPER")).toThrow("must be lowercase");
  });

  test("everything is there again after the database is reopened", () => {
    const parent = add("parent");
    const image = add("x", { tags: ["app:1", "app:2"], parentId: parent.id });
    const before = catalog.list();
    catalog = openCatalog();
    expect(catalog.list()).toEqual(before);
    expect(digestOf(catalog.configBytesOf(image.id))).toBe(image.id);
  });
});

describe("remove()", () => {
  test("by tag with other tags left only untags", async () => {
    const image = add("x", { tags: ["a:1", "b:2"] });
    expect(await catalog.remove("a:1", nobody)).toEqual([{ untagged: "a:1" }]);
    expect(catalog.get("b:2").id).toBe(image.id);
  });

  test("by the last tag deletes the image and its layers", async () => {
    const image = add("x", { tags: ["a:1"], layers: [layerA, layerB] });
    const top = digestOf(`${layerA} ${layerB}`);
    expect(await catalog.remove("a:1", nobody)).toEqual([
      { untagged: "a:1" },
      { deleted: image.id },
      { deleted: top },
      { deleted: layerA },
    ]);
    expect(catalog.list()).toEqual([]);
  });

  test("layers that another image shows are not reported as deleted", async () => {
    add("other", { tags: ["other"] });
    const image = add("x", { tags: ["a"], layers: [layerA, layerB] });
    expect(await catalog.remove("a", nobody)).toEqual([
      { untagged: "a:latest" },
      { deleted: image.id },
      { deleted: digestOf(`${layerA} ${layerB}`) },
    ]);
  });

  test("by id with several repositories is a conflict unless forced", async () => {
    const image = add("x", { tags: ["a", "b"] });
    const short = image.id.slice(7, 19);
    expect(await failureOf(catalog.remove(image.id, nobody))).toContain(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
    expect(catalog.get(image.id).repoTags).toEqual(["a:latest", "b:latest"]);
    const removed = await catalog.remove(image.id, { ...nobody, force: true });
    expect(removed).toContainEqual({ deleted: image.id });
  });

  test("a stopped container's image goes only by force, a running one's never", async () => {
    const image = add("x", { tags: ["a"] });
    const short = image.id.slice(7, 19);
    expect(await failureOf(catalog.remove("a", { ...nobody, usedBy: usedBy(image.id, false) }))).toContain(
      `conflict: unable to remove repository reference "a" (must force) - container c0ffee000000 is using its referenced image ${short}`,
    );
    expect(await failureOf(catalog.remove(image.id, { ...nobody, usedBy: usedBy(image.id, false) }))).toContain(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container c0ffee000000`,
    );
    expect(
      await failureOf(catalog.remove(image.id, { ...nobody, force: true, usedBy: usedBy(image.id, true) })),
    ).toContain(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container c0ffee000000`,
    );
    // By name and force a running container's image loses its name and stays.
    expect(await catalog.remove("a", { ...nobody, force: true, usedBy: usedBy(image.id, true) })).toEqual([
      { untagged: "a:latest" },
    ]);
    expect(catalog.find(image.id)).toBeDefined();
  });

  test("untagged parents go along, tagged ones and those with other children stay", async () => {
    const base = add("base", { tags: ["base"] });
    const step = add("step", { parentId: base.id });
    const final = add("final", { parentId: step.id, tags: ["app"] });
    const removed = await catalog.remove("app", nobody);
    expect(
      removed.filter((removal) => "deleted" in removal).map((removal) => "deleted" in removal && removal.deleted),
    ).toContain(step.id);
    expect(catalog.list().map(({ id }) => id)).toEqual([base.id]);
    expect(final.parentId).toBe(step.id);
  });

  test("an image with children is a conflict by id, and only loses its name by name", async () => {
    const base = add("base", { tags: ["base"] });
    add("child", { parentId: base.id, tags: ["child"] });
    expect(await failureOf(catalog.remove(base.id, { ...nobody, force: true }))).toContain(
      "(cannot be forced) - image has dependent child images",
    );
    expect(await catalog.remove("base", nobody)).toEqual([{ untagged: "base:latest" }]);
  });

  test("with the last tag of a repository go its digests", async () => {
    const image = add("x", { tags: ["a", "b"] });
    const digest = catalog.addManifest(image.id, { repository: "a", bytes: Buffer.from("m"), mediaType: "x" });
    expect(await catalog.remove("a", nobody)).toEqual([{ untagged: "a:latest" }, { untagged: `a@${digest}` }]);
  });
});

describe("prune()", () => {
  test("takes dangling images that nobody keeps; with all, tagged ones too", async () => {
    const dangling = add("dangling");
    const kept = add("kept");
    add("tagged", { tags: ["tagged"] });
    const first = await catalog.prune({ all: false, keep: ({ id }) => id === kept.id });
    expect(first.removed).toContainEqual({ deleted: dangling.id });
    expect(catalog.list().length).toBe(2);
    await catalog.prune({ all: true, keep: () => false });
    expect(catalog.list()).toEqual([]);
  });
});

describe("history()", () => {
  test("names the images of steps, newest first, with the sizes of their layers", () => {
    const base = add("base", { tags: ["base"] });
    const child = add("child", { parentId: base.id, tags: ["child"], layers: [layerA, layerB] });
    expect(catalog.history("child").map(({ id, sizeBytes, tags }) => [id, sizeBytes, tags])).toEqual([
      [child.id, 100, ["child:latest"]],
      [base.id, 100, ["base:latest"]],
    ]);
  });

  test("puts a parent's id at the parent's own last step", () => {
    const base = add("base", { tags: ["base"] });
    const child = add("child", { parentId: base.id, tags: ["child"], layers: [layerA, layerB, layerB] });
    expect(catalog.history("child").map(({ id }) => id)).toEqual([child.id, "<missing>", base.id]);
  });
});

describe("parseImageConfig()", () => {
  test.each([
    ["no JSON", "{"],
    ["no rootfs", "{}"],
    ["a path for a layer", '{"rootfs":{"type":"layers","diff_ids":["sha256:../../x"]}}'],
    ["501 layers", JSON.stringify({ rootfs: { type: "layers", diff_ids: Array.from({ length: 501 }, () => layerA) } })],
    ["a config that is a list", '{"config":[],"rootfs":{"type":"layers","diff_ids":[]},"history":3}'],
  ])("refuses %s", (_name, text) => {
    expect(() => parseImageConfig(Buffer.from(text))).toThrow("invalid image config");
  });

  test("takes Go's nulls for absence", () => {
    const config = parseImageConfig(
      Buffer.from(
        '{"os":"linux","architecture":"amd64","config":{"Env":null},"rootfs":{"type":"layers","diff_ids":null},"history":null}',
      ),
    );
    expect(config).toEqual({
      os: "linux",
      architecture: "amd64",
      config: {},
      rootfs: { type: "layers", diff_ids: [] },
    });
  });
});
