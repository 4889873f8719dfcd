import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuilderFixture, type Built, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";
import type { BuildEvent, BuildResult } from "#builder";
import { plainBuildRequest } from "./build-request.ts";

/** How often eight builds run against prunes: `ROUNDS=40` is the whole proof. */
const rounds = Number(process.env["ROUNDS"] ?? 3);

let fixture: BuilderFixture;
let folder: string;

beforeAll(async () => {
  if (!canBuild) return;
  fixture = await openBuilderFixture();
  folder = mkdtempSync(join(tmpdir(), "berth-cache-"));
});

afterAll(() => {
  if (!canBuild) return;
  fixture.close();
  rmSync(folder, { recursive: true });
});

/** Outcomes of a build's steps, without names. */
const outcomes = (built: Built) => built.steps.map((step) => step.outcome);
const reasons = (built: Built) => built.steps.map((step) => step.reason);

/** Copied under another name: made within one second, both layers would be the same one otherwise. */
const stages = [
  "FROM busybox AS one",
  "RUN echo one > /one",
  "FROM busybox",
  "COPY --from=one /one /copied",
  "RUN true",
  "RUN date +%N > /two",
].join("\n");

describe.skipIf(!canBuild)("reasons", () => {
  test("each hit and miss says why", async () => {
    const dockerfile = (run: string) => `FROM busybox\nARG A\nCOPY src /src\nRUN ${run}\nRUN true`;
    const files = { "src/a.txt": "1", "src/b.txt": "1" };
    const first = await fixture.build(dockerfile("echo $A > /x"), files, { buildArgs: { A: "1" } });
    expect(reasons(first)).toEqual(Array(3).fill("this instruction was not built here before"));
    const second = await fixture.build(dockerfile("echo $A > /x"), files, { buildArgs: { A: "1" } });
    expect(outcomes(second)).toEqual(["hit", "hit", "hit"]);
    const changed = { "src/a.txt": "2", "src/c.txt": "1" };
    const third = await fixture.build(dockerfile("echo $A > /x"), changed, { buildArgs: { A: "2" } });
    expect(reasons(third)).toEqual([
      "src/a.txt changed, src/c.txt is new, src/b.txt is gone",
      "the variable A changed",
      "the variable A changed",
    ]);
    const fourth = await fixture.build(dockerfile("echo 4 > /x"), changed, { buildArgs: { A: "2" } });
    expect(reasons(fourth)).toEqual([
      "same inputs as before",
      "this instruction was not built here before",
      "the step before changed",
    ]);
    const fifth = await fixture.build(dockerfile("echo 4 > /x"), changed, { noCache: true });
    expect(reasons(fifth)[0]).toBe("--no-cache");
  });

  test("--no-cache-filter is for the stages it names", async () => {
    const dockerfile = "FROM busybox AS a\nRUN echo a > /a\nFROM busybox AS b\nCOPY --from=a /a /a\nRUN echo b > /b";
    await fixture.build(dockerfile);
    const again = await fixture.build(dockerfile, {}, { noCacheFilter: ["b"] });
    expect(outcomes(again)).toEqual(["hit", "miss", "miss"]);
  });
});

describe.skipIf(!canBuild)("export and import", () => {
  const elsewhere = async <T>(work: (other: BuilderFixture) => Promise<T>): Promise<T> => {
    const other = await openBuilderFixture();
    try {
      return await work(other);
    } finally {
      other.close();
    }
  };

  test.each([
    ["max", "gzip", ["imported", "imported", "imported", "imported"]],
    ["max", "zstd", ["imported", "imported", "imported", "imported"]],
    ["min", "uncompressed", ["miss", "imported", "imported", "imported"]],
  ] satisfies [string, string, Built["steps"][number]["outcome"][]][])(
    "a local cache, mode=%s, %s",
    async (mode, compression, expected) => {
      const dest = join(folder, `${mode}-${compression}`);
      const first = await fixture.build(
        stages,
        {},
        {
          cacheExports: [{ type: "local", attributes: { dest, mode, compression } }],
        },
      );
      expect(readdirSync(dest).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      await elsewhere(async (other) => {
        const built = await other.build(stages, {}, { cacheImports: [{ type: "local", attributes: { src: dest } }] });
        expect(outcomes(built)).toEqual(expected);
        expect(built.imageId).toBe(first.imageId);
        expect(await other.text(built.imageId, "two")).toBe(await fixture.text(first.imageId, "two"));
      });
    },
  );

  test("an inline cache travels in the image", async () => {
    const first = await fixture.build(
      stages,
      {},
      { tags: ["inline:1"], cacheExports: [{ type: "inline", attributes: {} }] },
    );
    const archive = await Array.fromAsync(fixture.store.catalog.save(["inline:1"]));
    await elsewhere(async (other) => {
      await other.store.catalog.load(
        (async function* () {
          yield* archive;
        })(),
        () => {},
      );
      const imports = [{ type: "registry", attributes: { ref: "inline:1" } }] as const;
      const built = await other.build(
        stages,
        {},
        { cacheImports: imports, cacheExports: [{ type: "inline", attributes: {} }] },
      );
      expect(outcomes(built)).toEqual(["miss", "imported", "imported", "imported"]);
      expect(built.imageId).toBe(first.imageId);
    });
  });

  test("a damaged or missing cache costs time and nothing else", async () => {
    const dest = join(folder, "damaged");
    await fixture.build(stages, {}, { cacheExports: [{ type: "local", attributes: { dest, mode: "max" } }] });
    const blobs = join(dest, "blobs/sha256");
    for (const name of readdirSync(blobs)) {
      const bytes = readFileSync(join(blobs, name));
      if (bytes[0] === 0x1f) writeFileSync(join(blobs, name), bytes.subarray(0, bytes.length - 9));
    }
    await elsewhere(async (other) => {
      const locations = [dest, join(folder, "nothing")].map((src) => ({ type: "local", attributes: { src } }) as const);
      const built = await other.build(stages, {}, { cacheImports: locations });
      expect(outcomes(built)).toEqual(["miss", "miss", "miss", "miss"]);
      expect(built.log).toContain("could not be fetched");
      expect(built.log).toContain("there is no cache at");
    });
  });

  test.each([
    [{ type: "local", attributes: { dest: "relative" } }, "type=local needs dest with an absolute path"],
    [{ type: "local", attributes: { dest: "/x", mdoe: "max" } }, '"mdoe" is no attribute of type=local'],
    [{ type: "local", attributes: { dest: "/x", mode: "med" } }, "mode=med is neither min nor max"],
    [{ type: "registry", attributes: {} }, "type=registry needs ref"],
    [{ type: "inline", attributes: { mode: "max" } }, "type=inline knows mode=min only"],
  ] as const)("%j is refused", async (location, message) => {
    expect(await failureOf(fixture.build(stages, {}, { cacheExports: [location] }))).toContain(message);
  });
});

describe.skipIf(!canBuild)("what is kept", () => {
  test("cache mounts are listed with their size, and pruned when nobody uses them", async () => {
    await fixture.build(`FROM busybox\nRUN --mount=type=cache,id=kept,target=/c head -c 5000 /bin/busybox > /c/f`);
    const list = async () => (await fixture.builder.cache()).filter(({ Type }) => Type === "exec.cachemount");
    const [mount] = (await list()).filter(({ Description }) => Description === "cached mount kept");
    if (mount === undefined) throw new Error("the mount is not listed");
    expect(mount).toMatchObject({ Size: 5000, InUse: false, UsageCount: 1 });
    const { deleted, reclaimedBytes } = await fixture.builder.prune({
      all: false,
      filter: ({ ID }) => ID === mount.ID,
    });
    expect([deleted, reclaimedBytes]).toEqual([[mount.ID], 5000]);
    expect((await list()).some(({ ID }) => ID === mount.ID)).toBeFalse();
  });

  test("a cache mount is carried to another builder as a tar", async () => {
    const mount = "RUN --mount=type=cache,target=/root/.tool";
    await fixture.build(`FROM busybox\n${mount} mkdir /root/.tool/d; echo carried > /root/.tool/d/f`);
    const archive = await Array.fromAsync(fixture.builder.cacheMounts.archive("/root/.tool"));
    const other = await openBuilderFixture();
    try {
      const restore = (chunks: readonly Uint8Array[]) =>
        other.builder.cacheMounts.restore(
          "/root/.tool",
          (async function* () {
            yield* chunks;
          })(),
        );
      expect(await failureOf(restore([]))).toContain("the archive is empty");
      expect(await failureOf(restore([Buffer.alloc(2000, 7)]))).not.toBe("");
      expect(other.builder.cacheMounts.list()).toEqual([]);
      await restore(archive);
      const { imageId } = await other.build(`FROM busybox\n${mount} cp /root/.tool/d/f /got`);
      expect(await other.text(imageId, "got")).toBe("carried\n");
      expect(() => other.builder.cacheMounts.archive("none")).toThrow("No such cache mount: none");
    } finally {
      other.close();
    }
  });

  test("the least recently used results go first when the cache is too large", async () => {
    const step = (name: string) => `FROM busybox\nRUN head -c 100000 /bin/busybox > /${name}; echo ${name} >> /${name}`;
    await fixture.builder.prune({ all: true });
    await fixture.build(step("old"));
    await Bun.sleep(2);
    await fixture.build(step("new"));
    const sizes = (await fixture.builder.cache()).reduce((sum, { Size }) => sum + Size, 0);
    await fixture.builder.prune({ all: false, keepBytes: sizes - 1 });
    expect(outcomes(await fixture.build(step("new")))).toEqual(["hit"]);
    expect(outcomes(await fixture.build(step("old")))).toEqual(["miss"]);
  });
});

describe.skipIf(!canBuild)("many builds", () => {
  /** A build that tells what its steps print as it hears it. */
  const listen = (
    { builder, root }: BuilderFixture,
    dockerfile: string,
    hear: (text: string) => void,
    signal = new AbortController().signal,
  ): Promise<BuildResult> => {
    const directory = mkdtempSync(join(root, "heard-"));
    writeFileSync(join(directory, "Dockerfile"), dockerfile);
    const request = { ...plainBuildRequest, dialect: "buildkit" as const, context: { directory } };
    const onEvent = (event: BuildEvent) => {
      if (event.kind === "log") hear(Buffer.from(event.data).toString());
    };
    return builder.build(request, onEvent, signal);
  };

  test("a step that two builds want at once runs once, and both hear it", async () => {
    const { promise: heardByBoth, resolve } = Promise.withResolvers<void>();
    // The step does not end before the second build has heard it.
    const other = await openBuilderFixture((steps) => ({
      ...steps,
      run: async (request) => {
        const result = await steps.run(request);
        await heardByBoth;
        return result;
      },
    }));
    try {
      const dockerfile = "FROM busybox\nRUN echo made; echo $RANDOM$RANDOM$RANDOM > /x";
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const first = listen(other, dockerfile, () => begin());
      await begun;
      const second = listen(other, dockerfile, (text) => {
        if (text.includes("made")) resolve();
      });
      const [a, b] = await Promise.all([first, second]);
      expect(other.runs).toHaveLength(1);
      expect(a.imageId).toBe(b.imageId);
      expect([...a.steps, ...b.steps].map(({ outcome }) => outcome)).toEqual(["miss", "shared"]);
    } finally {
      other.close();
    }
  });

  test("when the one that makes it is cancelled, another takes over", async () => {
    let isFirst = true;
    // The first run goes on until it is cancelled.
    const other = await openBuilderFixture((steps) => ({
      ...steps,
      run: async (request) => {
        if (!isFirst) return steps.run(request);
        isFirst = false;
        request.output("stdout", Buffer.from("begun"));
        return new Promise((_, reject) => {
          request.signal?.addEventListener("abort", () => reject(request.signal?.reason as Error), { once: true });
        });
      },
    }));
    try {
      const dockerfile = "FROM busybox\nRUN echo $RANDOM$RANDOM$RANDOM > /taken-over";
      const controller = new AbortController();
      const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
      const first = failureOf(listen(other, dockerfile, () => begin(), controller.signal));
      await begun;
      const second = listen(other, dockerfile, (text) => {
        if (text === "begun") controller.abort();
      });
      expect(await first).toBe("Build cancelled");
      expect(await other.text((await second).imageId, "taken-over")).not.toBe("");
    } finally {
      other.close();
    }
  });

  test("eight builds that share stages, with prunes all the while, all come out right", async () => {
    const done = new AbortController();
    const prunes = (async () => {
      while (!done.signal.aborted) {
        await fixture.builder.prune({ all: true });
        await fixture.store.catalog.prune({ all: false, keep: () => false });
        // Others' turn: a prune that has nothing to do would come back at once.
        await Bun.sleep(3);
      }
    })();
    const dockerfile = (number: number, round: number) =>
      [
        "FROM busybox AS shared",
        `RUN echo ${round} > /shared`,
        "RUN mkdir /d && cp /shared /d/copy",
        "FROM busybox",
        "COPY --from=shared /d /d",
        `RUN echo ${number} > /own && cat /d/copy >> /own`,
        "COPY f /f",
      ].join("\n");
    try {
      for (let round = 0; round < rounds; round++) {
        const builds = Array.from({ length: 8 }, (_, number) =>
          fixture.build(dockerfile(number, round), { f: String(number) }, { tags: [`many:${round}-${number}`] }),
        );
        const built = await Promise.all(builds);
        for (const [number, { imageId }] of built.entries()) {
          expect(await fixture.text(imageId, "own")).toBe(`${number}\n${round}\n`);
          expect(await fixture.text(imageId, "f")).toBe(String(number));
        }
      }
    } finally {
      done.abort();
      await prunes;
    }
    expect(existsSync(join(fixture.root, "builds"))).toBeTrue();
  }, 600_000);

  test("independent stages run at once: they wait for each other", async () => {
    const stage = (name: string, other: string) =>
      [
        `FROM busybox AS ${name}`,
        "RUN --mount=type=cache,id=meeting,target=/meeting \\",
        `  echo ${name} > /meeting/${name}; until [ -e /meeting/${other} ]; do usleep 10000; done; cp /meeting/${other} /`,
      ].join("\n");
    const { imageId } = await fixture.build(
      [stage("a", "b"), stage("b", "a"), "FROM scratch", "COPY --from=a /b /b", "COPY --from=b /a /a"].join("\n"),
    );
    expect([await fixture.text(imageId, "a"), await fixture.text(imageId, "b")]).toEqual(["a\n", "b\n"]);
  });
});
