import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { mediaTypes } from "#formats";
import { contentDigestOf } from "../digest.ts";
import { createDigestsInUse } from "../repositories/in-use.ts";
import { openRepositories } from "../repositories/repositories.ts";
import { openDiskObjects } from "../storage/disk-objects.ts";
import type { ObjectStore } from "../storage/object-store.ts";
import { digestOfText, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";
import { collectGarbage } from "./collect.ts";

const status = async (registry: TestRegistry, path: string) => (await registry.send("HEAD", path)).status;

/** Makes everything in the store look as if it had been there for long. */
function age(registry: { readonly root: string }, days: number): void {
  const then = new Date(Date.now() - days * 86_400_000);
  for (const name of readdirSync(join(registry.root, "data"), { recursive: true, encoding: "utf8" })) {
    utimesSync(join(registry.root, "data", name), then, then);
  }
}

test("collectGarbage() removes what no manifest names, and nothing else", async () => {
  const registry = await startTestRegistry({ "gc-grace": "0" });
  const { digest } = await registry.pushImage("a", "1", { layer: "kept" });
  const stray = await registry.pushBlob("a", "stray");
  const mine = await registry.pushBlob("b", "kept");
  const gone = await registry.pushImage("c", "1", { layer: "goes" });
  await registry.send("DELETE", `/v2/c/manifests/${gone.digest}`);
  await Bun.sleep(2);
  const report = await registry.server.collectGarbage();
  expect(await status(registry, `/v2/a/manifests/${digest}`)).toBe(200);
  expect(await status(registry, `/v2/a/blobs/${digestOfText("kept")}`)).toBe(200);
  expect(await status(registry, `/v2/a/blobs/${stray}`)).toBe(404);
  // In b no manifest names it; the bytes stay, a has them.
  expect(await status(registry, `/v2/b/blobs/${mine}`)).toBe(404);
  expect(report).toMatchObject({ blobs: 3, tags: 0 });
  expect(report.reclaimedBytes).toBe("stray".length + "goes".length + gone.bytes.length);
  // Empty repositories leave the list.
  expect(await (await registry.send("GET", "/v2/_catalog")).json()).toEqual({ repositories: ["a"] });
  await registry.close();
});

test("collectGarbage() spares what is young, and what somebody was told is there", async () => {
  let registry = await startTestRegistry({ "gc-grace": "1h" });
  const young = await registry.pushBlob("a", "young");
  await registry.server.collectGarbage();
  expect(await status(registry, `/v2/a/blobs/${young}`)).toBe(200);
  age(registry, 2);
  // Old by the clock, but the answer above was less than an hour ago; and after a restart nobody knows who asked.
  registry = await registry.restart();
  expect(await registry.server.collectGarbage()).toMatchObject({ blobs: 0 });
  expect(await status(registry, `/v2/a/blobs/${young}`)).toBe(200);
  await registry.close();
});

/** The store, telling of each thing it is asked to do before it does it. */
function announced(objects: ObjectStore, onStep: () => void): ObjectStore {
  const told = <Parameters extends readonly unknown[], Result>(work: (...parameters: Parameters) => Result) => {
    return (...parameters: Parameters): Result => {
      onStep();
      return work(...parameters);
    };
  };
  return {
    find: told(objects.find),
    read: told(objects.read),
    body: told(objects.body),
    write: told(objects.write),
    adopt: told(objects.adopt),
    delete: told(objects.delete),
    discard: told(objects.discard),
    list: told(objects.list),
  };
}

test("collectGarbage() beside a push takes a blob before the client is told of it, or not at all", async () => {
  const root = mkdtempSync(join(tmpdir(), "berth-garbage-"));
  let onStep = () => {};
  const objects = announced(openDiskObjects(root), () => onStep());
  // This server has been up since 1970, so that only what was really asked for counts as in use.
  let isStart = true;
  const repositories = openRepositories(
    objects,
    createDigestsInUse(() => (isStart ? 0 : Date.now())),
  );
  isStart = false;
  const outcomes: string[] = [];
  // The client asks before the collector's first step, its second, and so on, until it is through before it asks.
  for (let moment = 1; outcomes.at(-1) !== "too late"; moment++) {
    const text = `layer ${moment}`;
    const digest = contentDigestOf(Buffer.from(text));
    await Bun.write(join(root, "incoming"), text);
    await repositories.putBlob("busy", digest, join(root, "incoming"));
    // An hour passes.
    age({ root }, 1);
    repositories.inUse.forgetBefore(Number.POSITIVE_INFINITY);
    let steps = 0;
    let asking: ReturnType<typeof repositories.findBlob> | undefined;
    const asked = Promise.withResolvers<void>();
    onStep = () => {
      if (++steps !== moment) return;
      asking = repositories.findBlob("busy", digest);
      asked.resolve();
    };
    const collecting = collectGarbage(
      { objects, repositories, logger: silentLogger },
      { graceMs: 3_600_000, rules: [] },
    );
    await Promise.race([collecting, asked.promise]);
    const isTooLate = asking === undefined;
    onStep = () => {};
    const found = await (asking ?? repositories.findBlob("busy", digest));
    if (found !== undefined) {
      const layers = [{ mediaType: mediaTypes.ociLayer, digest, size: text.length }];
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config: layers[0], layers }));
      await repositories.putManifest("busy", { bytes, contentType: undefined, tags: ["latest"] });
    }
    await collecting;
    expect((await repositories.findBlob("busy", digest)) !== undefined).toBe(found !== undefined);
    // Asked for too late, the bytes may stay until the next time; what was promised is there.
    if (found !== undefined) expect(await repositories.readBlob(digest)).toBeDefined();
    outcomes.push(isTooLate ? "too late" : found === undefined ? "taken" : "kept");
    // The next begins with an empty repository: as many steps each time.
    for (const manifest of await repositories.manifests("busy")) await repositories.deleteManifest("busy", manifest);
    if (found !== undefined) await repositories.deleteBlob("busy", digest);
  }
  expect(outcomes[0]).toBe("kept");
  expect(outcomes).toContain("taken");
  rmSync(root, { recursive: true, force: true });
}, 60_000);

test("collectGarbage() takes no bytes while a manifest that may need them cannot be read", async () => {
  const registry = await startTestRegistry({ "gc-grace": "0" });
  const { digest } = await registry.pushImage("a", "1", { layer: "needed" });
  const stray = await registry.pushBlob("b", "stray");
  await Bun.write(join(registry.root, "data/blobs/sha256", digest.slice(7, 9), digest.slice(7)), "damaged");
  await Bun.sleep(2);
  await registry.server.collectGarbage();
  expect(await status(registry, `/v2/a/blobs/${digestOfText("needed")}`)).toBe(200);
  expect((await registry.send("GET", `/v2/a/manifests/${digest}`)).status).toBe(404);
  await registry.pushImage("a", "1", { layer: "needed" });
  expect((await registry.send("GET", `/v2/a/manifests/${digest}`)).status).toBe(200);
  expect(await status(registry, `/v2/b/blobs/${stray}`)).toBe(404);
  await registry.close();
});

test("rules of retention keep the newest, spare exceptions, and take what is untagged", async () => {
  const registry = await startTestRegistry({
    "gc-grace": "0",
    retention: [
      { repositories: ["ci/**"], "keep-newest": 2, except: ["latest", "v*"] },
      { repositories: ["**"], "untagged-after": "1h" },
      { repositories: ["old/*"], "older-than": "30d" },
    ],
  });
  for (const tag of ["latest", "v1", "1", "2", "3", "4"]) {
    await registry.pushImage("ci/app", tag, { layer: tag });
    await Bun.sleep(5);
  }
  const kept = await registry.pushImage("other/app", "1");
  const untagged = await registry.pushImage("other/app", "", { layer: "untagged" });
  const about = await registry.pushImage("other/app", "", { subject: kept.digest, layer: "signature" });
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [{ mediaType: mediaTypes.ociManifest, digest: kept.digest, size: kept.bytes.length }],
  });
  await registry.send("PUT", "/v2/other/app/manifests/index", {
    body: index,
    headers: { "content-type": mediaTypes.ociIndex },
  });
  await registry.send("DELETE", "/v2/other/app/manifests/1");
  await registry.pushImage("old/app", "1");
  age(registry, 40);
  for (const tag of ["1", "2", "3", "4"]) {
    const then = new Date(Date.now() - (10 - Number(tag)) * 60_000);
    utimesSync(join(registry.root, "data/repositories/ci/app/_tags", tag), then, then);
  }
  const report = await registry.server.collectGarbage();
  const tags = async (name: string) => (await registry.send("GET", `/v2/${name}/tags/list`)).json();
  expect(await tags("ci/app")).toMatchObject({ tags: ["3", "4", "latest", "v1"] });
  expect(report.tags).toBe(3);
  expect(await status(registry, `/v2/other/app/manifests/${kept.digest}`)).toBe(200);
  expect(await status(registry, `/v2/other/app/manifests/${about.digest}`)).toBe(200);
  expect(await status(registry, `/v2/other/app/manifests/${untagged.digest}`)).toBe(404);
  expect(await status(registry, "/v2/old/app/manifests/1")).toBe(404);
  await registry.close();
});
