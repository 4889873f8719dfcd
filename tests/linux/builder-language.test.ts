import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuilderFixture, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";

/* What BuildKit's language has beyond what Docker 20.10 knows (that is compared in build-goldens.test.ts). */

let fixture: BuilderFixture;

/** What was heard on the sockets that steps were given. */
const heard: string[] = [];

beforeAll(async () => {
  if (!canBuild) return;
  fixture = await openBuilderFixture((steps) => ({
    ...steps,
    run: async (request) => {
      for (const mount of request.mounts ?? []) {
        if ("source" in mount && lstatSync(mount.source).isSocket()) heard.push(await read(connect(mount.source)));
      }
      return steps.run(request);
    },
  }));
});

async function read(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

afterAll(() => {
  if (canBuild) fixture.close();
});

const base = "FROM busybox\n";
const mode = (path: string) => (lstatSync(path).mode & 0o7777).toString(8);

describe.skipIf(!canBuild)("the language", () => {
  test("here-documents of COPY: expanded, quoted, with tabs taken off, several, beside files", async () => {
    const { imageId } = await fixture.build(
      [
        "FROM busybox",
        "ENV WHO=me",
        "COPY <<EOF /a",
        'hi $WHO \\$WHO "q" ${NO:-none}',
        "EOF",
        "COPY <<'EOF' /b",
        "hi $WHO",
        "EOF",
        "COPY <<-EOF /c",
        "\ttab",
        "\tEOF",
        "COPY <<one f <<two /d/",
        "1",
        "one",
        "2",
        "two",
        "COPY --chmod=640 --chown=3:4 <<EOF /e",
        "x",
        "EOF",
      ].join("\n"),
      { f: "file" },
    );
    await fixture.inspect(imageId, (rootfs) => {
      const text = (path: string) => readFileSync(join(rootfs, path), "utf8");
      expect(text("a")).toBe('hi me $WHO "q" none\n');
      expect(text("b")).toBe("hi $WHO\n");
      expect(text("c")).toBe("tab\n");
      expect([text("d/one"), text("d/two"), text("d/f")]).toEqual(["1\n", "2\n", "file"]);
      expect([mode(join(rootfs, "a")), mode(join(rootfs, "e"))]).toEqual(["644", "640"]);
      expect(statSync(join(rootfs, "e")).gid).toBe(4);
    });
  });

  test("here-documents of RUN: a script, a program, the shell's own", async () => {
    const { imageId } = await fixture.build(
      [
        "FROM busybox",
        "RUN <<EOF",
        "echo one > /a",
        "false",
        "echo two >> /a",
        "EOF",
        "RUN <<EOF",
        "#!/bin/busybox sh",
        'echo "$0" > /b',
        "EOF",
        "RUN cat <<A > /c && cat <<B >> /c",
        "first $0",
        "A",
        "second",
        "B",
      ].join("\n"),
    );
    expect(await fixture.text(imageId, "a")).toBe("one\ntwo\n");
    expect(await fixture.text(imageId, "b")).toBe("/dev/pipes/EOF\n");
    expect(await fixture.text(imageId, "c")).toBe("first /bin/sh\nsecond\n");
    expect(await fixture.inspect(imageId, (rootfs) => existsSync(join(rootfs, "dev/pipes")))).toBeFalse();
  });

  test("COPY --chmod takes chmod(1)'s letters", async () => {
    const { imageId } = await fixture.build(`${base}COPY --chmod=u=rwX,go=rX d /d/\nCOPY --chmod=+x,g+s f /f`, {
      "d/sub/x": "1",
      f: "1",
    });
    await fixture.inspect(imageId, (rootfs) => {
      expect(mode(join(rootfs, "d/sub"))).toBe("755");
      expect(mode(join(rootfs, "d/sub/x"))).toBe("644");
      expect(mode(join(rootfs, "f"))).toBe("2755");
    });
    expect(await failureOf(fixture.build(`${base}COPY --chmod=64a f /`, { f: "" }))).toContain(
      "invalid chmod parameter: '64a'. it should be octal string and between 0 and 07777",
    );
  });

  test("COPY --parents keeps the folders above, from a pivot on, with deep patterns", async () => {
    const files = { "a/b/one.txt": "1", "a/b/two.md": "2", "a/c/d/three.txt": "3", "x.txt": "x" };
    const { imageId } = await fixture.build(
      [
        "FROM busybox",
        "COPY --parents a/b/one.txt x.txt /p/",
        "COPY --parents **/*.txt /deep/",
        "COPY --parents a/./c/*/three.txt /pivot/",
        "COPY --parents a/./b /folder/",
        "COPY --parents none*/x x.txt /maybe/",
      ].join("\n"),
      files,
    );
    const found = await fixture.inspect(imageId, (rootfs) =>
      Object.fromEntries(
        ["p", "deep", "pivot", "folder", "maybe"].map((name) => [
          name,
          readdirSync(join(rootfs, name), { recursive: true }).map(String).sort(),
        ]),
      ),
    );
    expect(found).toEqual({
      p: ["a", "a/b", "a/b/one.txt", "x.txt"],
      deep: ["a", "a/b", "a/b/one.txt", "a/c", "a/c/d", "a/c/d/three.txt", "x.txt"],
      pivot: ["c", "c/d", "c/d/three.txt"],
      folder: ["b", "b/one.txt", "b/two.md"],
      maybe: ["x.txt"],
    });
    expect(await failureOf(fixture.build(`${base}COPY --parents a/none /p/`, files))).toContain('"/a/none": not found');
  });

  test("COPY --exclude leaves out of the copy and of the key", async () => {
    const dockerfile = `${base}COPY --exclude=*.md --exclude=sub/** --exclude=!sub/keep d /d/`;
    const files = { "d/a": "1", "d/x.md": "1", "d/sub/gone": "1", "d/sub/keep": "1" };
    const first = await fixture.build(dockerfile, files);
    const names = await fixture.inspect(first.imageId, (rootfs) =>
      readdirSync(join(rootfs, "d"), { recursive: true }).map(String).sort(),
    );
    expect(names).toEqual(["a", "sub", "sub/keep"]);
    const second = await fixture.build(dockerfile, { ...files, "d/x.md": "2", "d/sub/gone": "2" });
    expect(second.imageId).toBe(first.imageId);
  });

  test("COPY --link is a layer of its own, whatever is below", async () => {
    const dockerfile = (version: string) => `${base}RUN echo ${version} > /version\nCOPY --link f /in/f`;
    const first = await fixture.build(dockerfile("1"), { f: "link" });
    const second = await fixture.build(dockerfile("2"), { f: "link" });
    const last = (built: typeof first) => built.image.config.rootfs.diff_ids.at(-1);
    expect(last(second)).toBe(last(first));
    expect(second.steps.at(-1)).toMatchObject({ outcome: "hit" });
    expect(await fixture.text(second.imageId, "in/f")).toBe("link");
  });

  test("ADD --unpack says whether archives are unpacked", async () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-unpack-"));
    try {
      writeFileSync(join(folder, "inner"), "1");
      writeFileSync(join(folder, "Dockerfile"), `${base}ADD --unpack=false t.tar /kept/\nADD t.tar /unpacked/`);
      Bun.spawnSync(["tar", "-cf", join(folder, "t.tar"), "-C", folder, "inner"]);
      const { imageId } = await fixture.build("", {}, { context: { directory: folder } });
      await fixture.inspect(imageId, (rootfs) => {
        expect(readdirSync(join(rootfs, "kept"))).toEqual(["t.tar"]);
        expect(readdirSync(join(rootfs, "unpacked"))).toEqual(["inner"]);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("ADD clones a repository: branch, folder, checksum, with and without .git; the commit is its key", async () => {
    const folder = mkdtempSync(join(tmpdir(), "berth-git-"));
    const git = (...words: string[]) => {
      const result = Bun.spawnSync(["git", "-C", join(folder, "repo.git"), ...words], {
        env: {
          ...process.env,
          GIT_AUTHOR_NAME: "a",
          GIT_AUTHOR_EMAIL: "a",
          GIT_COMMITTER_NAME: "a",
          GIT_COMMITTER_EMAIL: "a",
        },
      });
      if (result.exitCode !== 0) throw new Error(result.stderr.toString());
      return result.stdout.toString().trim();
    };
    mkdirSync(join(folder, "repo.git/sub"), { recursive: true });
    git("init", "-q", "--initial-branch=main");
    writeFileSync(join(folder, "repo.git/readme"), "one");
    writeFileSync(join(folder, "repo.git/sub/file"), "in sub");
    git("add", ".");
    git("commit", "-qm", "one");
    git("branch", "old");
    const old = git("rev-parse", "HEAD");
    writeFileSync(join(folder, "repo.git/readme"), "two");
    git("commit", "-qam", "two");
    const port = await freePort();
    const server = Bun.spawn(
      [
        "git",
        "daemon",
        "--reuseaddr",
        "--export-all",
        `--base-path=${folder}`,
        "--listen=127.0.0.1",
        `--port=${port}`,
        folder,
      ],
      { stdout: "ignore", stderr: "ignore" },
    );
    try {
      await listening(port);
      const url = `git://127.0.0.1:${port}/repo.git`;
      const { imageId } = await fixture.build(
        [
          "FROM busybox",
          `ADD ${url} /head`,
          `ADD ${url}#old:sub /sub`,
          `ADD --keep-git-dir=true --checksum=${old} ${url}#${old} /old`,
          `ADD ${url}?branch=main&subdir=sub /query/`,
        ].join("\n"),
      );
      await fixture.inspect(imageId, (rootfs) => {
        expect(readFileSync(join(rootfs, "head/readme"), "utf8")).toBe("two");
        expect(existsSync(join(rootfs, "head/.git"))).toBeFalse();
        expect(readFileSync(join(rootfs, "sub/file"), "utf8")).toBe("in sub");
        expect(readFileSync(join(rootfs, "old/readme"), "utf8")).toBe("one");
        expect(existsSync(join(rootfs, "old/.git/HEAD"))).toBeTrue();
        expect(readdirSync(join(rootfs, "query"))).toEqual(["file"]);
      });
      const again = await fixture.build(`${base}ADD ${url} /head`);
      expect(again.steps[0]).toMatchObject({ outcome: "hit" });
      expect(await failureOf(fixture.build(`${base}ADD ${url}#none /x`))).toContain(
        "repository does not contain ref none",
      );
      expect(await failureOf(fixture.build(`${base}ADD --checksum=${"0".repeat(40)} ${url} /x`))).toContain(
        "expected checksum to match 0000",
      );
    } finally {
      server.kill();
      await server.exited;
      rmSync(folder, { recursive: true });
    }
  });

  test("ADD asks again for a URL, and takes it from the cache while its ETag is the same", async () => {
    let tag = "one";
    const asked: string[] = [];
    const server = Bun.serve({
      port: 0,
      fetch: (request) => {
        asked.push(`${request.method} ${request.headers.get("authorization") ?? ""}`.trim());
        const headers = { etag: `"${tag}"`, "last-modified": "Sat, 01 Jan 2022 00:00:00 GMT" };
        return new Response(request.method === "HEAD" ? null : `content ${tag}`, { headers });
      },
    });
    try {
      const url = `http://127.0.0.1:${server.port}/file`;
      const sum = new Bun.CryptoHasher("sha256").update("content one").digest("hex");
      const first = await fixture.build(`${base}ADD ${url} /f/`);
      expect(await fixture.text(first.imageId, "f/file")).toBe("content one");
      const second = await fixture.build(`${base}ADD ${url} /f/`);
      expect([second.imageId, second.steps[0]?.outcome]).toEqual([first.imageId, "hit"]);
      tag = "two";
      const third = await fixture.build(`${base}ADD ${url} /f/`);
      expect(await fixture.text(third.imageId, "f/file")).toBe("content two");
      expect(asked).toEqual(["GET", "HEAD", "HEAD", "GET"]);
      const failure = await failureOf(fixture.build(`${base}ADD --checksum=sha256:${sum} ${url} /f/`));
      expect(failure).toContain("digest mismatch");
      tag = "one";
      const host = `HTTP_AUTH_TOKEN_127.0.0.1:${server.port}`;
      await fixture.build(
        `${base}ADD --checksum=sha256:${sum} ${url} /g/`,
        {},
        {
          secrets: { read: async (id) => (id === host ? Buffer.from("hush\n") : undefined) },
        },
      );
      expect(asked.at(-1)).toBe("GET Bearer hush");
      const count = asked.length;
      await fixture.build(`${base}ADD --checksum=sha256:${sum} ${url} /g/`);
      expect(asked.length).toBe(count);
    } finally {
      await server.stop(true);
    }
  });

  test("secrets are files and variables, in no key, no layer and no history", async () => {
    const dockerfile = [
      "FROM busybox",
      "RUN --mount=type=secret,id=one,env=TOKEN [ ${#TOKEN} -ge 4 ] && [ ! -e /run/secrets/one ]",
      'RUN --mount=type=secret,id=one,env=TOKEN,target=/f [ "$TOKEN" = "$(cat /f)" ]',
      "RUN --mount=type=secret,target=/root/.npmrc,id=one cat /root/.npmrc > /dev/null",
    ].join("\n");
    const secrets = (value: string) => ({ read: async () => Buffer.from(value) });
    const first = await fixture.build(dockerfile, {}, { secrets: secrets("hush") });
    const second = await fixture.build(dockerfile, {}, { secrets: secrets("other") });
    expect(second.imageId).toBe(first.imageId);
    expect(JSON.stringify(first.image.config)).not.toContain("hush");
    await fixture.inspect(first.imageId, (rootfs) => {
      expect(existsSync(join(rootfs, "run"))).toBeFalse();
      expect(existsSync(join(rootfs, "f"))).toBeFalse();
      expect(readdirSync(join(rootfs, "root"))).toEqual([]);
    });
    expect(await failureOf(fixture.build(`${base}RUN --mount=type=secret,id=nope,required true`))).toContain(
      "secret nope: not found",
    );
  });

  test("an ssh agent is there for one step", async () => {
    const agent = createServer((socket) => socket.end("agent says hello"));
    const path = join(fixture.root, "agent.sock");
    await new Promise<void>((resolve) => agent.listen(path, resolve));
    try {
      const { imageId } = await fixture.build(
        `${base}RUN --mount=type=ssh [ -S $SSH_AUTH_SOCK ] && stat -c "%a %u" $SSH_AUTH_SOCK > /said && echo $SSH_AUTH_SOCK >> /said`,
        {},
        { agents: { has: async (id) => id === "default", connect: async () => connect(path) } },
      );
      expect(await fixture.text(imageId, "said")).toBe("600 0\n/run/buildkit/ssh_agent.0\n");
      expect(heard).toEqual(["agent says hello"]);
      await fixture.inspect(imageId, (rootfs) => expect(existsSync(join(rootfs, "run"))).toBeFalse());
      expect(await failureOf(fixture.build(`${base}RUN --mount=type=ssh,id=x,required true`))).toContain(
        "unset ssh forward key x",
      );
    } finally {
      agent.close();
    }
  });

  test("cache mounts: by id, filled from a stage, locked in turns, private side by side", async () => {
    const step = (mount: string, command: string) => `RUN --mount=type=cache,target=/c,${mount} ${command}`;
    await fixture.build(`${base}${step("id=mine", "echo 1 > /c/f")}`);
    const other = await fixture.build(`${base}WORKDIR /w\n${step("id=mine", "cp /c/f /got")}`);
    expect(await fixture.text(other.imageId, "got")).toBe("1\n");
    const filled = await fixture.build(
      `FROM busybox AS seed\nRUN mkdir /s && echo seed > /s/f\n${base}${step("from=seed,source=/s", "cp /c/f /got")}`,
    );
    expect(await fixture.text(filled.imageId, "got")).toBe("seed\n");
    const spaced = await fixture.build(
      `${base}${step("id=mine", "ls /c > /got")}`,
      {},
      {
        buildArgs: { BUILDKIT_CACHE_MOUNT_NS: "elsewhere" },
        noCache: true,
      },
    );
    expect(await fixture.text(spaced.imageId, "got")).toBe("");
    const race = (mount: string) =>
      Promise.all(
        ["a", "b"].map((name) =>
          fixture.build(
            `${base}${step(mount, `sh -c 'echo ${name} >> /c/who; sleep 0.2; cp /c/who /got; rm /c/who'`)}`,
          ),
        ),
      );
    for (const mount of ["id=l,sharing=locked", "id=p,sharing=private"]) {
      const [a, b] = await race(mount);
      expect([await fixture.text(a?.imageId ?? "", "got"), await fixture.text(b?.imageId ?? "", "got")]).toEqual([
        "a\n",
        "b\n",
      ]);
    }
  });

  test("named contexts stand for stages, images and from=", async () => {
    const directory = join(fixture.root, "named");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "n"), "named");
    const files = { kind: "files", context: { directory } } as const;
    const image = { kind: "image", reference: "busybox" } as const;
    const { imageId } = await fixture.build(
      [
        "FROM scratch AS replaced",
        "RUN this is never run",
        "FROM never/there:1",
        "COPY --from=replaced /n /a",
        "COPY --from=src n /b",
        "RUN --mount=from=src,target=/m cp /m/n /c",
      ].join("\n"),
      {},
      {
        namedContexts: new Map<string, typeof files | typeof image>([
          ["replaced", files],
          ["src", files],
          ["docker.io/never/there:1", image],
        ]),
      },
    );
    for (const name of ["a", "b", "c"]) expect(await fixture.text(imageId, name)).toBe("named");
  });

  test("a Dockerfile is built for each platform; commands need a processor or an emulator", async () => {
    const dockerfile = [
      "FROM --platform=$BUILDPLATFORM busybox AS tool",
      "ARG TARGETARCH",
      "RUN echo made for $TARGETARCH > /out",
      "FROM scratch",
      "COPY --from=tool /out /out",
    ].join("\n");
    const { images } = await fixture.build(dockerfile, {}, { platform: "linux/amd64,linux/s390x" });
    expect(images.map(({ config }) => config.architecture)).toEqual(["amd64", "s390x"]);
    for (const { imageId, config } of images) {
      fixture.store.catalog.add({ config, configBytes: Buffer.from(JSON.stringify(config)) });
      expect(await fixture.text(imageId, "out")).toBe(`made for ${config.architecture}\n`);
    }
    const foreign = 'FROM scratch\nCOPY f /\nRUN ["/f"]';
    expect(await failureOf(fixture.build(foreign, { f: "" }, { platform: "linux/riscv64" }))).toContain(
      "Cannot run commands of linux/riscv64",
    );
  });

  test("SOURCE_DATE_EPOCH makes two builds one", async () => {
    const dockerfile = `${base}RUN mkdir /d && touch /d/f\nWORKDIR /w\nCOPY f /w/`;
    const options = { buildArgs: { SOURCE_DATE_EPOCH: "1000000000" }, noCache: true };
    const first = await fixture.build(dockerfile, { f: "1" }, options);
    const second = await fixture.build(dockerfile, { f: "1" }, options);
    expect(second.imageId).toBe(first.imageId);
    expect(first.image.config.created).toBe("2001-09-09T01:46:40Z");
    await fixture.inspect(first.imageId, (rootfs) => {
      for (const path of ["d", "d/f", "w", "w/f"]) expect(statSync(join(rootfs, path)).mtimeMs).toBe(1e12);
    });
  });

  test.each([
    [`${base}RUN --mount=type=bnid,target=/x true`, "unsupported mount type", 2],
    [`${base}RUN --mount=target=/x,tagret=/y true`, "unexpected key 'tagret' in 'tagret=/y' (did you mean target?)", 2],
    [`${base}RUN --mount=type=tmpfs,target=/ true`, 'invalid mount target "/"', 2],
    [`${base}RUN --mount=type=bind,from=$X,target=/x true`, "doesn't support variable expansion", 2],
    [`${base}RUN --mount=type=secret,id=a,source=b,target=/x true`, "both source and id can't be set", 2],
    [`${base}RUN --mount=target=/x,uid=1 true`, 'uid not allowed for "bind" type mounts', 2],
    [`${base}RUN --network=hsot true`, "did you mean host?", 2],
    [`${base}RUN --network=host true`, "network.host is not allowed", 2],
    [`${base}RUN --security=insecure true`, "security.insecure is not allowed", 2],
    [`${base}RUN --device=vendor.com/dev=x,required true`, "device is not allowed", 2],
    [`${base}COPY --form=x a b`, "unknown flag: --form (did you mean from?)", 2],
    [`${base}COPY --from=$X a b`, "variable expansion is not supported for --from", 2],
    [`FROM busybox AS a\nCOPY --from=a x y`, "circular dependency detected on stage: a", 2],
    [`FROM busybox AS a\nCOPY --from=b x y\nFROM busybox AS b\nFROM a`, "cannot copy from stage", 2],
    [`${base}ADD --checksum=sha256:ab a b`, "checksum requires HTTP(S) or Git sources", 2],
    [`${base}COPY nothere /x`, '"/nothere": not found', 2],
    [`${base}RUN true\nRUN exit 7`, 'process "/bin/sh -c exit 7" did not complete successfully: exit code: 7', 3],
  ] as const)("%j fails, and says where", async (dockerfile, message, line) => {
    const error: unknown = await fixture.build(dockerfile).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect((error as Error).message).toContain(message);
    const failure = (error as { failure?: { source: { startLine: number }; excerpt: string } }).failure;
    expect(failure?.source.startLine).toBe(line);
    expect(failure?.excerpt).toContain(`>>> ${dockerfile.split("\n")[line - 1]}`);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (isOpen) return;
    await Bun.sleep(25);
  }
  throw new Error(`nobody listens on ${port}`);
}
