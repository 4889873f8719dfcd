import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { BuildRequest } from "#builder";
import { type BuilderFixture, type Built, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";

/* Rows of docs/dockerfile-features.md that only a build shows: what RUN, COPY and ADD do, and what their keys hold. */

let fixture: BuilderFixture;
beforeAll(async () => {
  if (canBuild) fixture = await openBuilderFixture();
});
afterAll(() => {
  if (canBuild) fixture.close();
});

let count = 0;
/** A directory with files; a function makes what is no plain file. */
function folder(files: Readonly<Record<string, string | ((path: string) => void)>>): string {
  const directory = join(fixture.root, `features-${count++}`);
  mkdirSync(directory);
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof content === "string") writeFileSync(path, content);
    else content(path);
  }
  return directory;
}

const linked = (target: string) => (path: string) => symlinkSync(target, path);
const withMode = (mode: number) => (path: string) => {
  writeFileSync(path, "x");
  chmodSync(path, mode);
};
const buildIn = (directory: string, dockerfile: string, options: Partial<BuildRequest> = {}) =>
  fixture.build("", {}, { context: { directory }, dockerfileText: dockerfile, ...options });
const mode = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);
const owner = (path: string) => `${lstatSync(path).uid}:${lstatSync(path).gid}`;
const outcomes = ({ steps }: Built) => steps.map(({ outcome }) => outcome);

describe.skipIf(!canBuild)("RUN", () => {
  test("takes its directory, user and variables; ENTRYPOINT does not count; a directory that is gone is made", async () => {
    const { imageId } = await fixture.build(
      [
        "FROM busybox",
        'ENTRYPOINT ["false"]',
        "ENV V=env",
        "ARG A=arg",
        "WORKDIR /w/x",
        "RUN rmdir /w/x && chmod 777 /w /tmp",
        "RUN pwd > /tmp/seen; echo $V $A >> /tmp/seen",
        'RUN ["sh", "-c", "echo $0 $V >> /tmp/seen", "$V"]',
        "USER nobody",
        "RUN id -u > /tmp/user",
      ].join("\n"),
    );
    expect(await fixture.text(imageId, "tmp/seen")).toBe("/w/x\nenv arg\n$V env\n");
    expect(await fixture.text(imageId, "tmp/user")).not.toBe("0\n");
  });

  test("of a user that is not there fails in the step", async () => {
    expect(await failureOf(fixture.build("FROM busybox\nUSER nosuchuser\nRUN true"))).toContain("nosuchuser");
  });

  test("its key holds variables, limits and names of hosts, not addresses of hosts, proxies and memory", async () => {
    const dockerfile = "FROM busybox\nARG A=1\nRUN echo key > /x";
    const again = async (options: Partial<BuildRequest>) =>
      outcomes(await fixture.build(dockerfile, {}, options)).at(-1);
    const usual = { extraHosts: ["a:10.0.0.1"] };
    await fixture.build(dockerfile, {}, usual);
    expect(await again(usual)).toBe("hit");
    expect(await again({ extraHosts: ["a:10.0.0.2"] })).toBe("hit");
    expect(await again({ ...usual, buildArgs: { http_proxy: "http://p" } })).toBe("hit");
    expect(await again({ ...usual, resources: { Memory: 1 << 28 } })).toBe("hit");
    expect(await again({ extraHosts: ["b:10.0.0.1"] })).toBe("miss");
    expect(await again({ ...usual, buildArgs: { A: "2" } })).toBe("miss");
    expect(await again({ ...usual, shmSizeBytes: 1 << 20 })).toBe("miss");
    expect(await again({ ...usual, ulimits: [{ Name: "nofile", Soft: 99, Hard: 99 }] })).toBe("miss");
    expect(await again({ ...usual, cgroupParent: "/other" })).toBe("miss");
    expect(await again({ ...usual, buildArgs: { BUILDKIT_SANDBOX_HOSTNAME: "h" } })).toBe("miss");
  });

  test("an argument that changes runs later RUNs again, and neither COPY nor WORKDIR", async () => {
    const dockerfile = "FROM busybox\nRUN echo before > /b\nARG A\nENV E=1\nWORKDIR /w\nCOPY f /f\nRUN echo after > /a";
    await fixture.build(dockerfile, { f: "arg" }, { buildArgs: { A: "1" } });
    expect(outcomes(await fixture.build(dockerfile, { f: "arg" }, { buildArgs: { A: "2" } }))).toEqual([
      "hit",
      "hit",
      "hit",
      "miss",
    ]);
    const other = dockerfile.replace("E=1", "E=2");
    expect(outcomes(await fixture.build(other, { f: "arg" }, { buildArgs: { A: "1" } }))).toEqual([
      "hit",
      "hit",
      "hit",
      "miss",
    ]);
  });

  test("a step that changes nothing has a layer in the history; what mounts needed is gone, with its folder's time", async () => {
    const { image, imageId } = await fixture.build(
      [
        "FROM busybox",
        "RUN mkdir -p /d && touch -t 200001010000 /d",
        "RUN --mount=type=tmpfs,target=/d/m --mount=type=tmpfs,target=/new/deep/m true",
      ].join("\n"),
    );
    const history = (image.config.history ?? []).filter((entry) => entry.empty_layer !== true);
    expect(history).toHaveLength(image.config.rootfs.diff_ids.length);
    await fixture.inspect(imageId, (root) => {
      expect([existsSync(join(root, "d/m")), existsSync(join(root, "new/deep/m"))]).toEqual([false, false]);
      expect(statSync(join(root, "d")).mtime.getUTCFullYear()).toBeLessThan(2002);
    });
  });

  test("a failure ends the steps beside it", async () => {
    const dockerfile = [
      "FROM busybox AS slow",
      "RUN --mount=type=cache,id=failing,target=/c touch /c/begun; sleep 900",
      "FROM busybox AS broken",
      "RUN --mount=type=cache,id=failing,target=/c until [ -e /c/begun ]; do usleep 10000; done; exit 3",
      "FROM scratch",
      "COPY --from=slow / /",
      "COPY --from=broken / /",
    ].join("\n");
    expect(await failureOf(fixture.build(dockerfile))).toContain("exit code: 3");
  });

  test("the last command of a here-document decides, a pipe is the shell's; a body is not expanded", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox\nENV V=1\nRUN <<A\nfalse\nV=2\necho $V > /x\nA\nRUN cat <<B | tr a-z A-Z > /y\nabc\nB",
    );
    expect([await fixture.text(imageId, "x"), await fixture.text(imageId, "y")]).toEqual(["2\n", "ABC\n"]);
    expect(await failureOf(fixture.build("FROM busybox\nRUN <<A\ntrue\nfalse\nA"))).toContain("exit code: 1");
  });
});

describe.skipIf(!canBuild)("RUN --mount", () => {
  test("bind: read-only, of a relative target, of a link's content; its key is the content below the source", async () => {
    const dockerfile =
      "FROM busybox\nWORKDIR /w\nRUN --mount=source=d,target=in (cat in/f; touch in/g || echo no) > /out 2>/dev/null";
    const first = await fixture.build(dockerfile, { "d/f": "bind ", other: "1" });
    expect(await fixture.text(first.imageId, "out")).toBe("bind no\n");
    expect(outcomes(await fixture.build(dockerfile, { "d/f": "bind ", other: "2" })).at(-1)).toBe("hit");
    expect(outcomes(await fixture.build(dockerfile, { "d/f": "changed ", other: "2" })).at(-1)).toBe("miss");
    expect(await failureOf(fixture.build("FROM busybox\nRUN --mount=source=none,target=/x true"))).toContain(
      "not found",
    );
  });

  test("bind: sees what the ignore file leaves, and from= takes no number of a stage", async () => {
    const { imageId } = await fixture.build("FROM busybox\nRUN --mount=target=/c ls -A /c > /out", {
      a: "1",
      b: "1",
      ".dockerignore": "b",
    });
    expect(await fixture.text(imageId, "out")).toBe(".dockerignore\nDockerfile\na\n");
    expect(
      await failureOf(fixture.build("FROM busybox AS s\nFROM busybox\nRUN --mount=from=0,target=/x true")),
    ).not.toBe("");
  });

  test("bind: what is written into a writable one is gone afterwards", async () => {
    const directory = folder({ "d/f": "kept" });
    const { imageId } = await buildIn(
      directory,
      "FROM busybox\nRUN --mount=source=d,target=/d,rw echo new > /d/f; cat /d/f > /out\nRUN --mount=source=d,target=/d cat /d/f >> /out",
    );
    expect(await fixture.text(imageId, "out")).toBe("new\nkept");
    expect(readFileSync(join(directory, "d/f"), "utf8")).toBe("kept");
  });

  test("cache: its id is the clean target, and its content counts for no key", async () => {
    const write = "FROM busybox\nRUN --mount=type=cache,target=/clean/../place/ echo 1 > /place/f";
    await fixture.build(write);
    const read = "FROM busybox\nRUN --mount=type=cache,id=/place,target=/p cat /p/f > /got";
    expect(await fixture.text((await fixture.build(read)).imageId, "got")).toBe("1\n");
    await fixture.build("FROM busybox\nRUN --mount=type=cache,id=/place,target=/p echo 2 > /p/f");
    expect(outcomes(await fixture.build(read))).toEqual(["hit"]);
  });

  test("cache: mode and owner are those of a new directory; a user without rights needs them", async () => {
    const mount = "--mount=type=cache,id=owned,target=/c,uid=99,gid=98,mode=0710";
    const { imageId } = await fixture.build(
      `FROM busybox\nRUN ${mount} stat -c '%u %g %a' /c > /out; chmod 700 /c\nRUN ${mount} stat -c '%a' /c >> /out`,
    );
    expect(await fixture.text(imageId, "out")).toBe("99 98 710\n700\n");
  });

  test("cache: a source that leads out of its origin is refused; read-only it takes nothing", async () => {
    const dockerfile =
      "FROM busybox AS s\nRUN ln -s /etc /l && mkdir /d\nFROM busybox\nRUN --mount=type=cache,id=out,from=s,source=/l/../../..,target=/c ls /c > /out";
    const built = await fixture.build(dockerfile).then(
      ({ imageId }) => fixture.text(imageId, "out"),
      () => "refused",
    );
    // Clamped at the stage's root, or refused: never this machine's.
    expect(built === "refused" || built.includes("l\n")).toBeTrue();
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN --mount=type=cache,target=/ro,ro touch /ro/f 2>/dev/null || echo no > /out",
    );
    expect(await fixture.text(imageId, "out")).toBe("no\n");
  });

  test("cache: with --no-cache its content stays", async () => {
    const mount = "--mount=type=cache,id=stays,target=/c";
    await fixture.build(`FROM busybox\nRUN ${mount} echo 1 > /c/f`);
    const { imageId } = await fixture.build(`FROM busybox\nRUN ${mount} cat /c/f > /out`, {}, { noCache: true });
    expect(await fixture.text(imageId, "out")).toBe("1\n");
  });

  test("cache: shared by two at once", async () => {
    const meet = (own: string, other: string) =>
      `FROM busybox AS ${own}\nRUN --mount=type=cache,id=shared,sharing=shared,target=/c touch /c/${own}; until [ -e /c/${other} ]; do usleep 10000; done`;
    await fixture.build(
      `${meet("a", "b")}\n${meet("b", "a")}\nFROM scratch\nCOPY --from=a /etc/passwd /a\nCOPY --from=b /etc/passwd /b`,
    );
  });

  test("tmpfs: empty, of the size that is said, gone afterwards", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN mkdir /t && touch /t/f\nRUN --mount=type=tmpfs,target=/t,size=2m (ls /t | wc -l; stat -f -c '%b %S' /t) > /out; touch /t/new",
    );
    expect(await fixture.text(imageId, "out")).toBe("0\n512 4096\n");
    expect(await fixture.inspect(imageId, (root) => readdirSync(join(root, "t")))).toEqual(["f"]);
  });

  test("secret: 0400 of root, under its id's name; one that is not given is no file; one that is too large is refused", async () => {
    const secrets = {
      read: async (id: string) => (id === "big" ? Buffer.alloc(600_000) : id === "s" ? Buffer.from("hush") : undefined),
    };
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN --mount=type=secret,id=s --mount=type=secret,id=no stat -c '%a %u' /run/secrets/s > /out; ls /run/secrets >> /out\nRUN --mount=type=secret,target=/k/s cat /k/s >> /out",
      {},
      { secrets },
    );
    expect(await fixture.text(imageId, "out")).toBe("400 0\ns\nhush");
    expect(
      await failureOf(fixture.build("FROM busybox\nRUN --mount=type=secret,id=big true", {}, { secrets })),
    ).toMatch(/500/);
  });

  test("secret: as a variable it wins over ENV, and the step's name does not show it", async () => {
    const secrets = { read: async () => Buffer.from("hush") };
    const built = await fixture.build(
      "FROM busybox\nENV T=plain\nRUN --mount=type=secret,id=s,env=T [ ${#T} = 4 ]",
      {},
      { secrets },
    );
    expect(
      JSON.stringify(built.events, (_key, value: unknown) => (typeof value === "bigint" ? 0 : value)),
    ).not.toContain("hush");
  });

  test("ssh: without an agent there is no socket", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN --mount=type=ssh echo [$SSH_AUTH_SOCK] > /out",
      {},
      { agents: { has: async () => false, connect: () => Promise.reject(new Error("asked")) } },
    );
    expect(await fixture.text(imageId, "out")).toBe("[]\n");
  });
});

describe.skipIf(!canBuild)("COPY", () => {
  test("its key is the content of what it takes, not times, folders above, and files beside", async () => {
    const dockerfile = "FROM scratch\nCOPY a/f* /x/";
    const directory = folder({ "a/f1": "1", "a/f2": "2", "a/g": "3" });
    await buildIn(directory, dockerfile);
    utimesSync(join(directory, "a/f1"), 1, 1);
    writeFileSync(join(directory, "a/g"), "other");
    expect(outcomes(await buildIn(directory, dockerfile))).toEqual(["hit"]);
    expect(outcomes(await buildIn(folder({ "b/f1": "1", "b/f2": "2" }), dockerfile.replace("a/", "b/")))).toEqual([
      "hit",
    ]);
    expect(outcomes(await buildIn(folder({ "a/f1": "1", "a/f3": "2" }), dockerfile))).toEqual(["miss"]);
    chmodSync(join(directory, "a/f1"), 0o700);
    expect(outcomes(await buildIn(directory, dockerfile))).toEqual(["miss"]);
    const chowned = dockerfile.replace("COPY", "COPY --chown=1");
    expect(outcomes(await buildIn(directory, chowned))).toEqual(["miss"]);
  });

  test("several sources into a name without a slash: later ones win", async () => {
    const { imageId } = await fixture.build("FROM scratch\nCOPY a b /x", { a: "1", b: "2" });
    expect(await fixture.text(imageId, "x")).toBe("2");
  });

  test("metadata: modes, times and hard links stay; a socket becomes nothing bad", async () => {
    const directory = folder({
      "d/sticky": withMode(0o4755),
      "d/one": "same",
      "d/two": (path) => linkSync(join(dirname(path), "one"), path),
      "d/old": (path) => {
        writeFileSync(path, "x");
        utimesSync(path, 1000, 1000);
      },
    });
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(directory, "d/socket"), resolve));
    try {
      const { imageId } = await buildIn(directory, "FROM scratch\nCOPY d /d");
      await fixture.inspect(imageId, (root) => {
        const at = (name: string) => join(root, "d", name);
        expect([mode(at("sticky")), statSync(at("old")).mtimeMs]).toEqual(["4755", 1_000_000]);
        expect(statSync(at("one")).ino).toBe(statSync(at("two")).ino);
        expect(lstatSync(at("socket"), { throwIfNoEntry: false })?.isSocket() ?? false).toBeFalse();
      });
    } finally {
      server.close();
    }
  });

  test("devices and pipes are copied from stages", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox AS s\nRUN mkdir /d && mknod /d/null c 1 3 && mkfifo /d/pipe\nFROM scratch\nCOPY --from=s /d /d",
    );
    await fixture.inspect(imageId, (root) => {
      const device = lstatSync(join(root, "d/null"));
      expect([device.isCharacterDevice(), device.rdev, lstatSync(join(root, "d/pipe")).isFIFO()]).toEqual([
        true,
        0x103,
        true,
      ]);
    });
  });

  test("--from keeps owners, of the context everything is root's; USER does not count", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox AS s\nRUN mkdir /d && touch /d/f && chown -R 7:8 /d\nFROM busybox\nUSER nobody\nWORKDIR /mine\nCOPY --from=s /d /d/\nCOPY f /f\nCOPY --from=s d/f /relative",
      { f: "1" },
    );
    await fixture.inspect(imageId, (root) => {
      expect([owner(join(root, "d/f")), owner(join(root, "f")), owner(join(root, "relative"))]).toEqual([
        "7:8",
        "0:0",
        "7:8",
      ]);
      expect(owner(join(root, "mine"))).not.toBe("0:0");
    });
  });

  test("--chown and --chmod hold for folders that are made on the way; those that are there stay; links keep their mode", async () => {
    const directory = folder({ "d/f": "1", "d/l": linked("f") });
    const { imageId } = await buildIn(
      directory,
      "FROM busybox\nRUN mkdir -m 711 /there\nCOPY --chown=5:6 --chmod=0741 d /there/new/sub/\nCOPY --chown=5 d/f /gid/",
    );
    await fixture.inspect(imageId, (root) => {
      expect([mode(join(root, "there")), owner(join(root, "there"))]).toEqual(["711", "0:0"]);
      for (const name of ["there/new/sub/f"]) {
        expect([name, mode(join(root, name)), owner(join(root, name))]).toEqual([name, "741", "5:6"]);
      }
      expect([mode(join(root, "there/new/sub/l")), owner(join(root, "there/new/sub/l"))]).toEqual(["777", "5:6"]);
      expect(owner(join(root, "gid/f"))).toBe("5:5");
    });
  });

  test("a folder onto a file, and a file onto a folder's name", async () => {
    expect(await failureOf(fixture.build("FROM busybox\nRUN touch /x\nCOPY d /x", { "d/f": "1" }))).toContain(
      "cannot copy to non-directory",
    );
    expect(await failureOf(fixture.build("FROM busybox\nRUN mkdir -p /x/f\nCOPY d /x", { "d/f": "1" }))).not.toBe("");
    // BuildKit refuses this; the classic builder, and an image whose /lib is a link to /usr/lib, want it followed.
    const nested = "FROM busybox\nRUN mkdir /real /x && ln -s /real /x/sub\nCOPY d /x";
    const { imageId } = await fixture.build(nested, { "d/sub/f": "1" });
    expect(await fixture.text(imageId, "real/f")).toBe("1");
  });

  test("links in the image: absolute ones start at its root, and parents are made through them", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN mkdir /real && ln -s /real /abs && ln -s ../../../../real /up\nCOPY f /abs/sub/f\nCOPY f /up/other/f",
      { f: "1" },
    );
    expect(await fixture.inspect(imageId, (root) => readdirSync(join(root, "real")).sort())).toEqual(["other", "sub"]);
  });

  test("--link does not follow links, makes its folders anew, and knows numbers of owners only", async () => {
    const { imageId } = await fixture.build(
      "FROM busybox\nRUN mkdir -m 700 /d && mkdir /real && ln -s /real /l\nCOPY --link f /d/f\nCOPY --link --chown=3:4 f /own/f\nCOPY --link f /l/f",
      { f: "1" },
    );
    await fixture.inspect(imageId, (root) => {
      expect(mode(join(root, "d"))).toBe("755");
      expect(owner(join(root, "own/f"))).toBe("3:4");
      expect(lstatSync(join(root, "l")).isDirectory()).toBeTrue();
      expect(readdirSync(join(root, "real"))).toEqual([]);
    });
  });

  test("a pattern's matches that are links are followed, as are those of names", async () => {
    const directory = folder({ "real/f": "1", "link-a": linked("real/f"), "link-b": linked("real") });
    const { imageId } = await buildIn(directory, "FROM scratch\nCOPY link-* /x/\nCOPY link-b /y");
    expect(
      await fixture.inspect(imageId, (root) => [readdirSync(join(root, "x")).sort(), readdirSync(join(root, "y"))]),
    ).toEqual([["f", "link-a"], ["f"]]);
    expect(await fixture.inspect(imageId, (root) => lstatSync(join(root, "x/link-a")).isFile())).toBeTrue();
  });

  test("patterns: * does not cross folders, ranges and escapes, ** is for --parents", async () => {
    const files = { "a1.txt": "", "a2.txt": "", "b[1].txt": "", "d/a3.txt": "" };
    const names = async (source: string) => {
      const built = fixture.build(`FROM scratch\nCOPY ${source} Dockerfile /x/`, files);
      return built.then(({ imageId }) =>
        fixture.inspect(imageId, (root) =>
          readdirSync(join(root, "x"))
            .sort()
            .filter((name) => name !== "Dockerfile"),
        ),
      );
    };
    expect(await names("a[1-1].txt")).toEqual(["a1.txt"]);
    expect(await names("a?.txt")).toEqual(["a1.txt", "a2.txt"]);
    expect(await names("b[[]1].txt")).toEqual(["b[1].txt"]);
    expect(await names("*/a3.txt")).toEqual(["a3.txt"]);
    expect(await names("none*")).toEqual([]);
  });
});

describe.skipIf(!canBuild)("ADD", () => {
  const archive = (words: readonly string[], name: string) => (path: string) => {
    const content = folder({ "in/f": withMode(0o640) });
    const { exitCode } = Bun.spawnSync(["tar", ...words, "-cf", path, "-C", content, "in"]);
    if (exitCode !== 0) throw new Error(`tar cannot make ${name}`);
  };

  test.each([
    ["plain", []],
    ["gzip", ["-z"]],
    ["bzip2", ["-j"]],
    ["xz", ["-J"]],
    ["zstd", ["--zstd"]],
  ] as const)("unpacks %s by content, into a folder, whatever it is called", async (name, words) => {
    const directory = folder({ "t.bin": archive(words, name) });
    const { imageId } = await buildIn(directory, "FROM scratch\nADD --chmod=777 --chown=4:5 t.bin /x");
    await fixture.inspect(imageId, (root) => {
      // --chown is for what is unpacked too, --chmod is not.
      expect([mode(join(root, "x/in/f")), owner(join(root, "x/in/f"))]).toEqual(["640", "4:5"]);
    });
  });

  test("unpacks sparse files with their holes", async () => {
    const content = folder({ sparse: (path) => writeFileSync(path, "") });
    const { exitCode } = Bun.spawnSync(
      [
        "sh",
        "-c",
        "truncate -s 5M sparse && printf end >> sparse && printf start | dd of=sparse conv=notrunc status=none",
      ],
      { cwd: content },
    );
    expect(exitCode).toBe(0);
    const original = readFileSync(join(content, "sparse"));
    for (const format of ["gnu", "pax"]) {
      const directory = folder({
        "t.tar": (path) =>
          void Bun.spawnSync(["tar", "--sparse", `--format=${format}`, "-cf", path, "-C", content, "sparse"]),
      });
      expect(statSync(join(directory, "t.tar")).size).toBeLessThan(1_000_000);
      const { imageId } = await buildIn(directory, "FROM scratch\nADD t.tar /x/");
      // The same as the context itself.
      const sent = await fixture.build(
        "",
        {},
        { context: Bun.file(join(directory, "t.tar")).stream(), dockerfileText: "FROM scratch\nCOPY sparse /x/" },
      );
      for (const image of [imageId, sent.imageId]) {
        await fixture.inspect(image, (root) => {
          expect(readdirSync(join(root, "x"))).toEqual(["sparse"]);
          expect(readFileSync(join(root, "x/sparse")).equals(original)).toBeTrue();
        });
      }
    }
  });

  test("merges an archive with what is there, and takes a damaged one for an error or a file", async () => {
    const directory = folder({
      "t.tar": archive([], "plain"),
      "empty.tar": "",
      "broken.tar.gz": "\u001f\u008b nothing",
    });
    const { imageId } = await buildIn(
      directory,
      "FROM busybox\nRUN mkdir /x && touch /x/old\nADD t.tar /x/\nADD empty.tar /y/",
    );
    expect(
      await fixture.inspect(imageId, (root) => [readdirSync(join(root, "x")).sort(), readdirSync(join(root, "y"))]),
    ).toEqual([["in", "old"], ["empty.tar"]]);
  });

  test("--unpack of a URL unpacks, without it the archive stays; --chown and --chmod hold for downloads", async () => {
    const directory = folder({ "t.tar": archive([], "plain") });
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response(Bun.file(join(directory, "t.tar"))),
    });
    const url = `http://127.0.0.1:${server.port}/t.tar`;
    const { imageId } = await fixture.build(
      `FROM scratch\nADD --unpack=true ${url} /a/\nADD --chmod=751 --chown=3:4 ${url} /b/\nADD --unpack=true ${url} /c`,
    );
    await fixture.inspect(imageId, (root) => {
      expect([readdirSync(join(root, "a")), readdirSync(join(root, "b")), readdirSync(join(root, "c"))]).toEqual([
        ["in"],
        ["t.tar"],
        ["in"],
      ]);
      expect([mode(join(root, "b/t.tar")), owner(join(root, "b/t.tar"))]).toEqual(["751", "3:4"]);
    });
  });

  test("a header of one's own is sent as it is, and is in no key; a flag and a query may not contradict", async () => {
    const asked: (string | null)[] = [];
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        asked.push(request.headers.get("authorization"));
        return new Response("secured", { headers: { etag: '"1"' } });
      },
    });
    const host = `127.0.0.1:${server.port}`;
    const secrets = (value: string) => ({
      read: async (id: string) => (id === `HTTP_AUTH_HEADER_${host}` ? Buffer.from(value) : undefined),
    });
    const dockerfile = `FROM scratch\nADD http://${host}/f /f`;
    await fixture.build(dockerfile, {}, { secrets: secrets("Basic one") });
    expect(outcomes(await fixture.build(dockerfile, {}, { secrets: secrets("Basic two") }))).toEqual(["hit"]);
    expect(asked).toEqual(["Basic one", "Basic two"]);
    const contrary = "FROM scratch\nADD --keep-git-dir=true git://127.0.0.1:1/x.git?keep-git-dir=false /x";
    expect(await failureOf(fixture.build(contrary))).toContain("inconsistent keep-git-dir configuration");
  });

  test("--checksum is for one source, of sha256, and changes no key", async () => {
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => new Response("sum", { headers: { etag: '"1"' } }),
    });
    const url = `http://127.0.0.1:${server.port}/f`;
    const sum = new Bun.CryptoHasher("sha256").update("sum").digest("hex");
    await fixture.build(`FROM scratch\nADD ${url} /f`);
    expect(outcomes(await fixture.build(`FROM scratch\nADD --checksum=sha256:${sum} ${url} /f`))).toEqual(["hit"]);
    expect(await failureOf(fixture.build(`FROM scratch\nADD --checksum=sha256:${sum} ${url} ${url} /f/`))).not.toBe("");
    expect(await failureOf(fixture.build(`FROM scratch\nADD --checksum=md5:${sum.slice(32)} ${url} /f`))).toMatch(
      /md5|sha256/,
    );
  });
});

describe.skipIf(!canBuild)("a context", () => {
  test("the Dockerfile is found in lower case, behind a link, and below a folder", async () => {
    expect(
      (await fixture.build("", {}, { context: { directory: folder({ dockerfile: "FROM scratch\nLABEL n=lower" }) } }))
        .image.config.config?.Labels,
    ).toEqual({ n: "lower" });
    const directory = folder({ "real/file": "FROM scratch\nLABEL n=linked", Dockerfile: linked("real/file") });
    expect((await fixture.build("", {}, { context: { directory } })).image.config.config?.Labels).toEqual({
      n: "linked",
    });
    expect(
      (await fixture.build("", {}, { context: { directory }, dockerfile: "real/file" })).image.config.config?.Labels,
    ).toEqual({ n: "linked" });
  });

  test("<Dockerfile>.dockerignore counts instead of .dockerignore, and both may ignore themselves", async () => {
    const directory = folder({
      "my.Dockerfile": "FROM scratch\nCOPY . /x/",
      "my.Dockerfile.dockerignore": "b\n*Dockerfile*\n.dockerignore",
      ".dockerignore": "a",
      a: "1",
      b: "1",
    });
    const { imageId } = await fixture.build("", {}, { context: { directory }, dockerfile: "my.Dockerfile" });
    expect(await fixture.inspect(imageId, (root) => readdirSync(join(root, "x")))).toEqual(["a"]);
  });

  test("the ignore file does not count for COPY --from", async () => {
    const { imageId } = await fixture.build("FROM busybox AS s\nRUN touch /a\nFROM scratch\nCOPY --from=s /a /a", {
      ".dockerignore": "a",
    });
    expect(await fixture.text(imageId, "a")).toBe("");
  });

  test("an ignored folder is walked for what an exception keeps; a lone ! is an error", async () => {
    const files = { "d/keep": "1", "d/drop": "1", D: "1" };
    const { imageId } = await fixture.build("FROM scratch\nCOPY . /x/", {
      ...files,
      ".dockerignore": "d\n!d/keep\nDockerfile\n.dockerignore",
    });
    expect(
      await fixture.inspect(imageId, (root) => readdirSync(join(root, "x"), { recursive: true }).map(String).sort()),
    ).toEqual(["D", "d", "d/keep"]);
    expect(await failureOf(fixture.build("FROM scratch\nCOPY . /x/", { ".dockerignore": "!" }))).toContain(
      "illegal exclusion pattern",
    );
  });

  test("links of a local context stay links and lead nowhere outside", async () => {
    const directory = folder({ "d/out": linked("/etc/hostname"), "d/in": linked("f"), "d/f": "1" });
    const { imageId } = await buildIn(directory, "FROM scratch\nCOPY d /d");
    expect(
      await fixture.inspect(imageId, (root) => [readlinkSync(join(root, "d/out")), readlinkSync(join(root, "d/in"))]),
    ).toEqual(["/etc/hostname", "f"]);
  });
});

describe.skipIf(!canBuild)("an image", () => {
  test("that is here is not asked for, unless --pull says so; one that is not is", async () => {
    const busybox = fixture.store.catalog.get("busybox:latest");
    const asked: string[] = [];
    const pullImage = async (reference: string) => {
      asked.push(reference);
      return busybox;
    };
    await fixture.build("FROM busybox\nCMD x", {}, { pullImage });
    expect(asked).toEqual([]);
    await fixture.build("FROM busybox\nCMD x", {}, { pullImage, pull: true });
    expect(asked).toEqual(["busybox"]);
    await fixture.build("FROM scratch AS s\nFROM other:1\nCOPY --from=third /etc/passwd /p", {}, { pullImage });
    expect(asked.slice(1).sort()).toEqual(["other:1", "third"]);
  });
});

describe.skipIf(!canBuild)("several platforms", () => {
  test("steps that are of no platform are run once, warnings are told once", async () => {
    const dockerfile =
      "FROM --platform=$BUILDPLATFORM busybox as Tool\nRUN date +%N > /once\nFROM scratch\nCOPY --from=tool /once /once";
    const before = fixture.runs.length;
    const built = await fixture.build(
      dockerfile,
      {},
      { platform: "linux/amd64,linux/arm64,linux/s390x", noCache: true },
    );
    expect(fixture.runs.length - before).toBe(1);
    expect(built.warnings.filter(({ rule }) => rule === "FromAsCasing")).toHaveLength(1);
    expect(built.images.map(({ config }) => config.architecture)).toEqual(["amd64", "arm64", "s390x"]);
  });

  test("--platform says what the config is of, whatever the base says", async () => {
    const { images } = await fixture.build(
      "FROM scratch\nCOPY f /f",
      { f: "1" },
      { platform: "windows(10.0.1)/amd64" },
    );
    expect(images[0]?.config).toMatchObject({ os: "windows", architecture: "amd64", "os.version": "10.0.1" });
  });
});
