import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { silentLogger } from "#base";
import { type BuildRequest, type Builder, createBuilder } from "#builder";
import { type Database, openDatabase } from "#db";
import type { StepRequest, StepService } from "#engine";
import { type ImageRecord, type ImageStore, openImageStore, tarOfDirectory } from "#images";
import { failureOf } from "./failure-of.ts";
import { plainBuildRequest } from "./build-request.ts";

/*
 * Real builds: real layers, snapshots and mounts below a temporary data root; RUN in a chroot with busybox, as the
 * engine's own step service needs a daemon.
 */
const isRoot = process.getuid?.() === 0;
const hasBusybox = existsSync("/bin/busybox");
if (!isRoot || !hasBusybox) console.log("builder tests skipped: they need root and busybox-static");

let root: string;
let database: Database;
let store: ImageStore;
let builder: Builder;
const runs: StepRequest[] = [];
/** What each step waits for before its command, and who hears what it prints; set by tests. */
let gate: () => Promise<void> = async () => {};
let hear: (text: string) => void = () => {};

const chrootSteps: StepService = {
  openGroup: () => ({ path: "/berth/test", oomKills: () => 0, close: async () => {} }),
  deviceMountPoints: () => [],
  run: async (request) => {
    runs.push(request);
    await gate();
    const child = Bun.spawn(
      ["chroot", request.rootfs, "/bin/busybox", "sh", "-c", 'cd "$0" && exec "$@"', request.cwd, ...request.args],
      { env: environmentOf(request.env), stdout: "pipe", stderr: "pipe", signal: request.signal },
    );
    const pump = async (stream: "stdout" | "stderr", source: ReadableStream<Uint8Array>) => {
      for await (const chunk of source) {
        request.output(stream, chunk);
        hear(Buffer.from(chunk).toString());
      }
    };
    await Promise.all([pump("stdout", child.stdout), pump("stderr", child.stderr)]);
    const exitCode = await child.exited;
    request.signal?.throwIfAborted();
    return { exitCode, oomKilled: false };
  },
};

function environmentOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => [entry.split("=", 1)[0] ?? "", entry.slice(entry.indexOf("=") + 1)]),
  );
}

beforeAll(async () => {
  if (!isRoot || !hasBusybox) return;
  root = mkdtempSync(join(tmpdir(), "berth-builder-"));
  database = openDatabase(join(root, "berth.db"));
  store = openImageStore({ dataRoot: root, database, logger: silentLogger });
  builder = createBuilder({
    images: store,
    steps: chrootSteps,
    database,
    dataRoot: root,
    events: { emit: () => {} },
    logger: silentLogger,
  });
  await builder.sweep();
  const base = join(root, "base");
  mkdirSync(join(base, "bin"), { recursive: true });
  mkdirSync(join(base, "etc"));
  mkdirSync(join(base, "tmp"));
  mkdirSync(join(base, "real"));
  copyFileSync("/bin/busybox", join(base, "bin/busybox"));
  chmodSync(join(base, "bin/busybox"), 0o755);
  for (const name of ["sh", "cat", "ls", "true", "stat", "sleep"]) symlinkSync("busybox", join(base, "bin", name));
  symlinkSync("real", join(base, "link"));
  symlinkSync("/etc", join(base, "absolute"));
  symlinkSync("../../../../../../../../../../tmp", join(base, "climber"));
  writeFileSync(join(base, "etc/passwd"), "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:/bin/sh\n");
  writeFileSync(join(base, "etc/group"), "root:x:0:\nstaff:x:50:\n");
  await store.catalog.importRootfs(tarOf(base), {
    tag: "base:1",
    config: { Env: ["A=1"], Cmd: ["sh"] },
  });
  rmSync(base, { recursive: true });
});

afterAll(async () => {
  if (!isRoot || !hasBusybox) return;
  const left = (await store.snapshots.list()).filter((id) => id.startsWith("build-"));
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(root));
  const files = readdirSync(join(root, "builds"));
  database.close();
  rmSync(root, { recursive: true, force: true });
  expect({ left, mounts, files }).toEqual({ left: [], mounts: [], files: [] });
});

function tarOf(directory: string): AsyncIterable<Uint8Array> {
  const tar = tarOfDirectory(directory, "/", { rebase: "" });
  if (tar === undefined) throw new Error(`there is no ${directory}`);
  return tar;
}

type Files = Readonly<Record<string, string | (() => void)>>;
let count = 0;

/** A context directory with these files. */
function contextOf(files: Files): string {
  const directory = join(root, `context-${count++}`);
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    if (typeof content === "string") writeFileSync(join(directory, name), content);
  }
  return directory;
}

type BuildOptions = Partial<BuildRequest> & { readonly signal?: AbortSignal };

async function build(
  context: string | AsyncIterable<Uint8Array>,
  { signal, ...options }: BuildOptions = {},
): Promise<{ imageId: string; text: string; image: ImageRecord }> {
  let text = "";
  const request: BuildRequest = {
    ...plainBuildRequest,
    context: typeof context === "string" ? { directory: context } : context,
    ...options,
  };
  try {
    const { imageId } = await builder.build(
      request,
      (event) => (text += event.kind === "classic" ? event.stream : ""),
      signal ?? new AbortController().signal,
    );
    return { imageId, text, image: store.catalog.get(imageId) };
  } catch (error) {
    throw Object.assign(error as Error, { text });
  }
}

/** Builds a Dockerfile with files. */
function buildFiles(dockerfile: string, files: Files = {}, options: BuildOptions = {}) {
  return build(contextOf({ Dockerfile: dockerfile, ...files }), options);
}

/** Looks at an image's files through a mounted snapshot. */
async function inspect<T>(image: ImageRecord, look: (rootfs: string) => T): Promise<T> {
  const id = `look-${count++}`;
  await store.snapshots.prepare(id, image.config.rootfs.diff_ids);
  try {
    return look(store.snapshots.mount(id));
  } finally {
    store.snapshots.unmount(id);
    await store.snapshots.remove(id);
  }
}

const text = (rootfs: string, path: string) => readFileSync(join(rootfs, path), "utf8");

describe.skipIf(!isRoot || !hasBusybox)("createBuilder()", () => {
  test("makes an image with Docker's history and config", async () => {
    const {
      image,
      text: said,
      imageId,
    } = await buildFiles(
      [
        "FROM base:1",
        "LABEL a=b",
        'ENV B="two words"',
        "WORKDIR /srv",
        "COPY hello.txt .",
        "RUN echo $B > out && cat hello.txt",
        "RUN true",
        "EXPOSE 80",
        "USER app",
        'ENTRYPOINT ["cat"]',
        'CMD ["hello.txt"]',
      ].join("\n"),
      { "hello.txt": "hello\n" },
      { tags: ["web", "web:2"] },
    );
    expect(image.config.config).toEqual({
      Env: ["A=1", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "B=two words"],
      Cmd: ["hello.txt"],
      Entrypoint: ["cat"],
      Labels: { a: "b" },
      WorkingDir: "/srv",
      ExposedPorts: { "80/tcp": {} },
      User: "app",
      OpenStdin: false,
      StdinOnce: false,
    });
    const history = (image.config.history ?? [])
      .slice(1)
      .map((entry) => [entry.created_by, entry.empty_layer ?? false]);
    expect(history.map(([by]) => String(by).replace(/[0-9a-f]{64}/, "<hex>"))).toEqual([
      "/bin/sh -c #(nop)  LABEL a=b",
      "/bin/sh -c #(nop)  ENV B=two words",
      "/bin/sh -c #(nop) WORKDIR /srv",
      "/bin/sh -c #(nop) COPY file:<hex> in . ",
      "/bin/sh -c echo $B > out && cat hello.txt",
      "/bin/sh -c true",
      "/bin/sh -c #(nop)  EXPOSE 80",
      "/bin/sh -c #(nop)  USER app",
      '/bin/sh -c #(nop)  ENTRYPOINT ["cat"]',
      '/bin/sh -c #(nop)  CMD ["hello.txt"]',
    ]);
    expect(history.map(([, empty]) => empty)).toEqual([true, true, false, false, false, true, true, true, true, true]);
    expect(image.config.rootfs.diff_ids).toHaveLength(4);
    expect(image.repoTags).toEqual(expect.arrayContaining(["web:latest", "web:2"]));
    expect(said).toContain("Step 1/11 : FROM base:1\n ---> ");
    expect(said).toMatch(
      /Step 6\/11 : RUN .*\n ---> Running in [0-9a-f]{12}\nhello\n ---> Removed intermediate container [0-9a-f]{12}\n ---> [0-9a-f]{12}\n/,
    );
    expect(said).toEndWith(
      `Successfully built ${imageId.slice(7, 19)}\nSuccessfully tagged web:latest\nSuccessfully tagged web:2\n`,
    );
    await inspect(image, (rootfs) => expect(text(rootfs, "srv/out")).toBe("two words\n"));
  });

  test("takes an unchanged build from the cache and gives the same image", async () => {
    const files = { Dockerfile: "FROM base:1\nRUN echo x > /x\nCOPY a /a/\nCMD a", a: "1", unrelated: "1" };
    const first = await build(contextOf(files));
    const before = runs.length;
    const second = await build(contextOf({ ...files, unrelated: "2" }));
    expect(second.imageId).toBe(first.imageId);
    expect(runs.length).toBe(before);
    expect(second.text.match(/Using cache/g)).toHaveLength(3);
    const third = await build(contextOf({ ...files, a: "2" }));
    expect(third.imageId).not.toBe(first.imageId);
    expect(third.text.match(/Using cache/g)).toHaveLength(1);
    const fourth = await build(contextOf(files), { noCache: true });
    expect(fourth.text).not.toContain("Using cache");
  });

  test("does not mind times, but minds modes", async () => {
    const directory = contextOf({ Dockerfile: "FROM base:1\nCOPY a /a", a: "times" });
    const first = await build(directory);
    utimesSync(join(directory, "a"), 1, 1);
    expect((await build(directory)).imageId).toBe(first.imageId);
    chmodSync(join(directory, "a"), 0o755);
    expect((await build(directory)).imageId).not.toBe(first.imageId);
  });

  test("a label in between does not run a RUN again", async () => {
    await buildFiles("FROM base:1\nLABEL v=1\nRUN echo label > /y");
    const before = runs.length;
    await buildFiles("FROM base:1\nLABEL v=2\nRUN echo label > /y");
    expect(runs.length).toBe(before);
  });

  test("reads a tar context, compressed or not, and its ignored Dockerfile", async () => {
    const directory = contextOf({
      "sub/my.Dockerfile": "FROM base:1\nCOPY . /all/",
      ".dockerignore": "sub/*.Dockerfile\n.dockerignore",
      a: "1",
      "sub/b": "2",
    });
    linkSync(join(directory, "a"), join(directory, "linked"));
    for (const pack of [(bytes: Uint8Array) => bytes, gzipSync]) {
      const chunks = await Array.fromAsync(tarOf(directory));
      const body = pack(Buffer.concat(chunks));
      const { image } = await build(
        (async function* () {
          for (let at = 0; at < body.length; at += 1000) yield body.subarray(at, at + 1000);
        })(),
        { dockerfile: "sub/my.Dockerfile" },
      );
      await inspect(image, (rootfs) => {
        expect(readdirSync(join(rootfs, "all")).sort()).toEqual(["a", "linked", "sub"]);
        expect(readdirSync(join(rootfs, "all/sub"))).toEqual(["b"]);
        expect(statSync(join(rootfs, "all/a")).ino).toBe(statSync(join(rootfs, "all/linked")).ino);
      });
    }
  });

  test("copies as the rules of COPY say", async () => {
    const directory = contextOf({
      Dockerfile: [
        "FROM base:1",
        "COPY dir /merged",
        "COPY one.txt two.txt /many/",
        "COPY *.txt /wild/",
        "COPY one.txt /renamed",
        "COPY one.txt /real",
        "COPY one.txt /link/through",
        "COPY one.txt /absolute/into-etc",
        "COPY one.txt /climber/kept-inside",
        "COPY --chown=app one.txt /owned/",
        "COPY --chown=7:staff --chmod=600 one.txt /owned2",
        "COPY --exclude=*.txt dir /excluded/",
        "COPY nothing*here /wild/",
        "WORKDIR /work",
        "COPY one.txt .",
        "COPY <<one <<two /docs/",
        "A=$A",
        "one",
        "second",
        "two",
      ].join("\n"),
      "dir/a.txt": "a",
      "dir/deep/b": "b",
      "one.txt": "1",
      "two.txt": "2",
    });
    symlinkSync("a.txt", join(directory, "dir/inner"));
    const { image } = await build(directory);
    await inspect(image, (rootfs) => {
      expect(text(rootfs, "merged/deep/b")).toBe("b");
      expect(lstatSync(join(rootfs, "merged/inner")).isSymbolicLink()).toBe(true);
      expect(readdirSync(join(rootfs, "many")).sort()).toEqual(["one.txt", "two.txt"]);
      expect(readdirSync(join(rootfs, "wild")).sort()).toEqual(["one.txt", "two.txt"]);
      expect(text(rootfs, "renamed")).toBe("1");
      expect(readdirSync(join(rootfs, "real")).sort()).toEqual(["one.txt", "through"]);
      expect(text(rootfs, "etc/into-etc")).toBe("1");
      expect(text(rootfs, "tmp/kept-inside")).toBe("1");
      expect(existsSync("/tmp/kept-inside")).toBe(false);
      const owned = statSync(join(rootfs, "owned/one.txt"));
      expect([owned.uid, owned.gid]).toEqual([1000, 1001]);
      const second = statSync(join(rootfs, "owned2"));
      expect([second.uid, second.gid, second.mode & 0o7777]).toEqual([7, 50, 0o600]);
      expect(readdirSync(join(rootfs, "excluded")).sort()).toEqual(["deep", "inner"]);
      expect(text(rootfs, "work/one.txt")).toBe("1");
      expect([text(rootfs, "docs/one"), text(rootfs, "docs/two")]).toEqual(["A=1\n", "second\n"]);
    });
  });

  test("a context cannot reach outside of itself", async () => {
    const directory = contextOf({ Dockerfile: "FROM base:1\nCOPY ../../../etc/hostname /x" });
    symlinkSync("/etc/passwd", join(directory, "leak"));
    expect(await failureOf(build(directory))).toContain(
      "COPY failed: file not found in build context or excluded by .dockerignore: stat etc/hostname: file does not exist",
    );
    writeFileSync(join(directory, "Dockerfile"), "FROM base:1\nCOPY leak /x");
    expect(await failureOf(build(directory))).toContain("file not found in build context");
  });

  test("applies .dockerignore to a directory", async () => {
    const { image } = await buildFiles("FROM base:1\nCOPY . /all/", {
      ".dockerignore": "*\n!keep\nkeep/not",
      "keep/a": "1",
      "keep/not/b": "2",
      other: "3",
    });
    await inspect(image, (rootfs) => {
      expect(readdirSync(join(rootfs, "all"))).toEqual(["keep"]);
      expect(readdirSync(join(rootfs, "all/keep"))).toEqual(["a"]);
    });
    expect(
      await failureOf(buildFiles("FROM base:1\nCOPY other /x", { ".dockerignore": "other", other: "3" })),
    ).toContain("excluded by .dockerignore: stat other");
  });

  test("ADD unpacks archives by content", async () => {
    const inner = contextOf({ "pack/file": "packed" });
    const archive = gzipSync(Buffer.concat(await Array.fromAsync(tarOf(inner))));
    const directory = contextOf({
      Dockerfile:
        "FROM base:1\nADD archive /unpacked/\nADD fake.tar /kept/\nCOPY archive /copied\nADD --chown=5:6 archive /owned",
      "fake.tar": "no archive at all",
    });
    writeFileSync(join(directory, "archive"), archive);
    const { image } = await build(directory);
    await inspect(image, (rootfs) => {
      expect(text(rootfs, "unpacked/pack/file")).toBe("packed");
      expect(text(rootfs, "kept/fake.tar")).toBe("no archive at all");
      expect(statSync(join(rootfs, "copied")).size).toBe(archive.length);
      expect(statSync(join(rootfs, "owned/pack/file")).uid).toBe(5);
    });
  });

  test("ADD downloads, follows redirects and keeps to HTTP", async () => {
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/moved/tool") return new Response(null, { status: 302, headers: { location: "/real/file" } });
        if (pathname === "/evil")
          return new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
        if (pathname === "/cloud")
          return new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } });
        if (pathname === "/real/file") {
          return new Response("downloaded", { headers: { "last-modified": "Wed, 21 Oct 2015 07:28:00 GMT" } });
        }
        return new Response("no", { status: 404 });
      },
    });
    const url = `http://127.0.0.1:${server.port}`;
    try {
      const { image } = await buildFiles(`FROM base:1\nADD ${url}/moved/tool /opt/\nADD ${url}/real/file /other`);
      await inspect(image, (rootfs) => {
        const status = statSync(join(rootfs, "opt/tool"));
        expect([status.mode & 0o777, status.mtimeMs]).toEqual([0o600, Date.UTC(2015, 9, 21, 7, 28)]);
        expect(text(rootfs, "other")).toBe("downloaded");
      });
      expect(await failureOf(buildFiles(`FROM base:1\nADD ${url}/evil /x`))).toContain("no http or https URL");
      expect(await failureOf(buildFiles(`FROM base:1\nADD ${url}/cloud /x`))).toContain("link-local");
      expect(await failureOf(buildFiles(`FROM base:1\nADD ${url}/gone /x`))).toContain("status 404");
      expect(
        await failureOf(buildFiles(`FROM base:1\nADD --checksum=sha256:${"0".repeat(64)} ${url}/real/file /x`)),
      ).toContain("digest mismatch");
    } finally {
      await server.stop(true);
    }
  });

  test("runs only the stages the target needs, and copies between them", async () => {
    const dockerfile = [
      "ARG BASE=base:1",
      "FROM $BASE AS maker",
      "RUN echo made > /made",
      "FROM missing:image AS unused",
      "RUN false",
      "FROM scratch AS final",
      "COPY --from=maker /made /bin/",
      "COPY --from=0 /made /second",
      "COPY --from=base:1 /etc/passwd /third",
      "FROM final",
      "LABEL last=1",
    ].join("\n");
    const { image, text: said } = await buildFiles(dockerfile);
    expect(said).not.toContain("unused");
    expect(image.config.config?.Labels).toEqual({ last: "1" });
    await inspect(image, (rootfs) => {
      expect(text(rootfs, "bin/made")).toBe("made\n");
      expect(text(rootfs, "second")).toBe("made\n");
      expect(text(rootfs, "third")).toContain("app:x:1000");
    });
    const before = runs.length;
    expect((await buildFiles(dockerfile)).imageId).toBe(image.id as string);
    expect(runs.length).toBe(before);
    const target = await buildFiles(dockerfile, {}, { target: "MAKER" });
    expect(target.image.config.rootfs.diff_ids).toHaveLength(2);
    expect(await failureOf(buildFiles(dockerfile, {}, { target: "nope" }))).toContain(
      "failed to reach build target nope in Dockerfile",
    );
  });

  test("independent stages run at once, their output in order", async () => {
    const { promise: both, resolve } = Promise.withResolvers<void>();
    let begun = 0;
    // Neither goes on before the other has begun: one after the other they would never end.
    gate = () => {
      begun += 1;
      if (begun === 2) resolve();
      return both;
    };
    try {
      const { image, text: said } = await buildFiles(
        [
          "FROM base:1 AS a",
          "RUN echo a > /a; echo out-a",
          "FROM base:1 AS b",
          "RUN echo b > /b; echo out-b",
          "FROM scratch",
          "COPY --from=a /a /",
          "COPY --from=b /b /",
        ].join("\n"),
        {},
        { noCache: true },
      );
      await inspect(image, (rootfs) => expect(readdirSync(rootfs).sort()).toEqual(["a", "b"]));
      expect(said.indexOf("out-a")).toBeLessThan(said.indexOf("Step 3/7"));
      expect(said.indexOf("Step 3/7")).toBeLessThan(said.indexOf("out-b"));
    } finally {
      gate = async () => {};
    }
  });

  test("build arguments reach RUN and history, but proxies only RUN", async () => {
    const dockerfile = "FROM base:1\nARG V=default\nARG W\nENV FROM_ARG=$V\nRUN echo $V-$W-$http_proxy > /args";
    const { image, text: said } = await buildFiles(
      dockerfile,
      {},
      {
        buildArgs: { V: "given", W: null, http_proxy: "http://user:secret@proxy", UNUSED: "x" },
      },
    );
    await inspect(image, (rootfs) => expect(text(rootfs, "args")).toBe("given--http://user:secret@proxy\n"));
    expect(JSON.stringify(image.config)).not.toContain("secret");
    expect(image.config.config?.Env).toContain("FROM_ARG=given");
    expect(image.config.history?.at(-1)?.created_by).toBe("|1 V=given /bin/sh -c echo $V-$W-$http_proxy > /args");
    expect(image.config.history?.at(-4)?.created_by).toBe("/bin/sh -c #(nop)  ARG V=default");
    expect(said).toContain("[Warning] One or more build-args [UNUSED] were not consumed\n");
    const before = runs.length;
    await buildFiles(dockerfile, {}, { buildArgs: { V: "given", http_proxy: "http://other" } });
    expect(runs.length).toBe(before);
    await buildFiles(dockerfile, {}, { buildArgs: { V: "changed" } });
    expect(runs.length).toBe(before + 1);
  });

  test("a failing command ends the build with its code and leaves nothing", async () => {
    const images = store.catalog.list().length;
    const failure = await buildFiles("FROM base:1\nRUN echo before; exit 42", {}, { tags: ["broken:1"] }).then(
      () => undefined,
      (error: unknown) => error as Error & { exitCode: number; text: string },
    );
    expect(failure?.message).toBe("The command '/bin/sh -c echo before; exit 42' returned a non-zero code: 42");
    expect(failure?.exitCode).toBe(42);
    expect(failure?.text).toContain("before\n");
    expect(failure?.text).not.toContain("Removed intermediate");
    expect(store.catalog.find("broken:1")).toBeUndefined();
    expect(store.catalog.list()).toHaveLength(images);
  });

  test("a cancelled build stops its command", async () => {
    const controller = new AbortController();
    hear = (said) => {
      if (said.includes("begun")) controller.abort();
    };
    try {
      expect(
        await failureOf(buildFiles("FROM base:1\nRUN echo begun; sleep 900", {}, { signal: controller.signal })),
      ).toContain("Build cancelled");
    } finally {
      hear = () => {};
    }
  });

  test("here-documents of RUN", async () => {
    const { image } = await buildFiles(
      "FROM base:1\nRUN <<EOF\necho one > /h\necho two >> /h\nEOF\nRUN cat <<X > /h2\nbody $A\nX\n",
    );
    await inspect(image, (rootfs) => {
      expect(text(rootfs, "h")).toBe("one\ntwo\n");
      expect(text(rootfs, "h2")).toBe("body 1\n");
    });
  });

  test("ONBUILD triggers run in the child and are gone from it", async () => {
    await buildFiles("FROM base:1\nONBUILD COPY a /triggered\nONBUILD ENV T=1", {}, { tags: ["parent:1"] });
    const { image, text: said } = await buildFiles("FROM parent:1\nCMD x", { a: "trigger" });
    expect(said).toContain("# Executing 2 build triggers\n");
    expect(image.config.config?.OnBuild ?? []).toEqual([]);
    expect(image.config.config?.Env).toContain("T=1");
    await inspect(image, (rootfs) => expect(text(rootfs, "triggered")).toBe("trigger"));
  });

  test("cache-from takes steps of an image whose cache is gone", async () => {
    const dockerfile = "FROM base:1\nRUN echo vouched > /v\nCMD v";
    const first = await buildFiles(dockerfile, {}, { tags: ["vouched:1"] });
    await builder.prune({ all: true });
    const before = runs.length;
    const second = await buildFiles(dockerfile, {}, { cacheFrom: ["vouched:1", "absent:1"] });
    expect(runs.length).toBe(before);
    expect(second.imageId).toBe(first.imageId);
    await buildFiles(dockerfile);
    expect(runs.length).toBe(before + 1);
  });

  test("the cache lists and prunes layers", async () => {
    await buildFiles("FROM base:1 AS x\nRUN echo pruned > /p\nFROM scratch\nCOPY --from=x /p /p");
    expect(
      (await builder.cache()).some((record) => record.Description === "RUN echo pruned > /p" && record.Size > 0),
    ).toBe(true);
    const { deleted } = await builder.prune({ all: true });
    expect(deleted.length).toBeGreaterThan(1);
    expect(await builder.cache()).toEqual([]);
  });

  test.each([
    ["FROM base:1\nFOO x", {}, "dockerfile parse error on line 2: unknown instruction: FOO"],
    ["FROM nowhere:1", {}, "No such image: nowhere:1"],
    ["FROM base:1\nRUN x", { squash: true }, "squash is only supported with experimental mode"],
    ["FROM base:1", { dockerfile: "missing" }, "Cannot locate specified Dockerfile: missing"],
    ["FROM base:1", { remote: "https://example.com/x.git" }, "Cannot build from the remote context"],
    ["FROM base:1", { tags: ["UPPER"] }, "invalid tag"],
    ["FROM scratch", {}, "No image was generated. Is your Dockerfile empty?"],
    ["FROM base:1\nCOPY a /a", {}, "stat a: file does not exist"],
    ["FROM base:1\nCOPY --chown=nobody Dockerfile /a", {}, "no such user: nobody"],
    ["FROM base:1\nCOPY Dockerfile /etc/passwd/x", {}, "cannot copy to non-directory"],
    ["FROM base:1\nCOPY --from=1 x /a", {}, "invalid from flag value 1: index out of bounds"],
    ['FROM base:1\nENV X="${Y:?must be set}"', {}, "Y: must be set"],
    ["FROM --platform=linux/s390x base:1", {}, "wanted linux/s390x"],
    ["FROM base:1\nSTOPSIGNAL NOPE", {}, "Dockerfile:2: invalid signal: NOPE"],
  ] as const)("refuses %j with %j", async (dockerfile, options, message) => {
    expect(await failureOf(buildFiles(dockerfile, {}, options))).toContain(message);
  });

  test("a cached build of 20 steps and 1,000 files runs nothing, of a directory and of a tar", async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 1000; index++) files[`files/${index % 20}/${index}`] = `content ${index}`;
    const lines = ["FROM base:1"];
    for (let index = 0; index < 9; index++)
      lines.push(`RUN echo ${index} > /f${index}`, `COPY files/${index} /c${index}/`);
    lines.push("COPY files /files/", "CMD x");
    const directory = contextOf({ ...files, Dockerfile: lines.join("\n") });
    const first = await build(directory);
    const before = { runs: runs.length, layers: store.layers.list().length };
    const again = await build(directory);
    const body = Buffer.concat(await Array.fromAsync(tarOf(directory)));
    const sent = await build(
      (async function* () {
        yield body;
      })(),
    );
    expect([again.image.id, sent.image.id]).toEqual([first.image.id, first.image.id]);
    expect({ runs: runs.length, layers: store.layers.list().length }).toEqual(before);
  });
});
