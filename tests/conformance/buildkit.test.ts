import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CommandResult } from "../engines/command.ts";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { buildKitClients } from "./buildkit-clients.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const clients = buildKitClients(daemon);
const { docker, old, berth, folder } = clients;

/** dockerd 20.10 has the session, and no `/grpc` that these clients still speak. */
const sinceGrpc = targetIsDockerd ? test.skip : test;

/** Copies a program with the libraries it needs into the root of an image. */
async function copyProgram(program: string, root: string): Promise<void> {
  const libraries = (await mustRun(["ldd", program])).match(/\/\S+/g) ?? [];
  for (const path of [program, ...libraries]) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
}

function succeeded(result: CommandResult): string {
  if (result.exitCode !== 0) throw new Error(`exit ${result.exitCode}\n${result.stdout}${result.stderr}`);
  return result.stdout + result.stderr;
}

const build = {
  old: (words: readonly string[], input?: string) =>
    old(["build", "--progress=plain", ...words], input === undefined ? {} : { input }),
  buildx: (words: readonly string[], input?: string) =>
    docker(["buildx", "build", "--progress=plain", ...words], input === undefined ? {} : { input }),
  berth: (words: readonly string[], input?: string) =>
    berth(["build", "--progress=plain", ...words], input === undefined ? {} : { input }),
};

/** The clients that are not Berth's own, as far as the daemon speaks with them. */
const all = targetIsDockerd ? (["old"] as const) : (["old", "buildx", "berth"] as const);

describe.each([...all])("%s", (name) => {
  const run = build[name];

  test("builds a directory: what is ignored stays, what is cached says so", async () => {
    const files = folder({
      Dockerfile: `FROM busybox\nCOPY . /srv\nRUN cat /srv/hello && ls /srv\nLABEL by=${name}\n`,
      hello: "hello from the context\n",
      "secret/key": "no",
      ".dockerignore": "secret\n",
    });
    const tag = uniqueName(name);
    const output = succeeded(await run(["-t", tag, files]));
    expect(output).toContain("hello from the context");
    expect(output).not.toMatch(/\bkey\b/);
    expect(await daemon.ok("run", "--rm", tag, "ls", "/srv")).toBe("Dockerfile\nhello");
    const again = succeeded(await run(["-t", tag, files]));
    expect(again.match(/CACHED/g)?.length).toBeGreaterThanOrEqual(2);
    expect(await daemon.ok("image", "inspect", "-f", "{{.Config.Labels.by}}", tag)).toBe(name);
  });

  test("a failed step: its output, its exit code, the lines of the Dockerfile", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN echo before-the-end && exit 7\n" });
    const result = await run([files]);
    expect(result.exitCode).not.toBe(0);
    const said = result.stdout + result.stderr;
    expect(said).toContain("before-the-end");
    // BuildKit 20.10 had other words for it.
    expect(said).toMatch(
      targetIsDockerd
        ? /executor failed running .*: exit code: 7/
        : /process "\/bin\/sh -c echo before-the-end && exit 7" did not complete successfully: exit code: 7/,
    );
    // The oldest client has the lines in no form.
    if (name !== "old") expect(said).toMatch(/Dockerfile:2\n-+\n\s+1 \|\s+FROM busybox\n\s+2 \| >>> RUN echo/);
  });

  test("secrets reach the step and nothing else", async () => {
    const secret = `s3cr3t-${name}-${process.pid}`;
    const files = folder({
      Dockerfile: "FROM busybox\nRUN --mount=type=secret,id=token,required wc -c < /run/secrets/token\n",
    });
    const source = folder({ token: secret });
    const tag = uniqueName(name);
    const output = succeeded(
      await run(["--no-cache", "-t", tag, "--secret", `id=token,src=${join(source, "token")}`, files]),
    );
    expect(output).toContain(String(secret.length));
    expect(await daemon.ok("run", "--rm", tag, "sh", "-c", "ls -A /run/secrets 2>/dev/null; true")).toBe("");
    expect(await daemon.ok("history", "--no-trunc", tag)).not.toContain(secret);
    const missing = await run(["--no-cache", files]);
    expect(missing.exitCode).not.toBe(0);
  });

  test("an SSH agent answers in the step", async () => {
    const directory = mkdtempSync(join(tmpdir(), "agent-"));
    const socket = join(directory, "socket");
    const agent = Bun.spawn(["ssh-agent", "-D", "-a", socket], { stdout: "ignore", stderr: "ignore" });
    try {
      await eventually("the agent's socket", () => existsSync(socket));
      await mustRun([
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        `key-of-${name}`,
        "-f",
        join(directory, "key"),
      ]);
      await mustRun(["ssh-add", "-q", join(directory, "key")], { environment: { SSH_AUTH_SOCK: socket } });
      const files = folder({ Dockerfile: "FROM busybox\nCOPY root /\nRUN --mount=type=ssh /usr/bin/ssh-add -l\n" });
      await copyProgram("/usr/bin/ssh-add", join(files, "root"));
      expect(succeeded(await run(["--no-cache", "--ssh", `default=${socket}`, files]))).toContain(`key-of-${name}`);
      const without = await run(["--no-cache", files]);
      expect(without.exitCode).not.toBe(0);
    } finally {
      agent.kill();
      await agent.exited;
      rmSync(directory, { recursive: true });
    }
  });

  test("--output: a directory and an archive, hard links as links", async () => {
    const files = folder({
      Dockerfile:
        "FROM busybox AS made\nRUN mkdir /out && echo data > /out/file && ln /out/file /out/other && ln -s file /out/link && chmod 751 /out/file\nFROM scratch\nCOPY --from=made /out /\n",
    });
    const out = join(daemon.directory, uniqueName("out"));
    succeeded(await run(["--output", `type=local,dest=${out}`, files]));
    expect(readdirSync(out).sort()).toEqual(["file", "link", "other"]);
    expect(readFileSync(join(out, "other"), "utf8")).toBe("data\n");
    expect(lstatSync(join(out, "file")).mode & 0o777).toBe(0o751);
    expect(lstatSync(join(out, "link")).isSymbolicLink()).toBe(true);
    succeeded(await run(["--output", `type=tar,dest=${out}.tar`, files]));
    expect((await mustRun(["tar", "-tf", `${out}.tar`])).split("\n").filter(Boolean).sort()).toEqual([
      "file",
      "link",
      "other",
    ]);
  });

  test("a Dockerfile or a context on standard input", async () => {
    const tag = uniqueName(name);
    succeeded(await run(["-t", tag, "-"], "FROM busybox\nRUN echo from-input > /where\n"));
    expect(await daemon.ok("run", "--rm", tag, "cat", "/where")).toBe("from-input");
    const files = folder({ Dockerfile: "FROM scratch\n", "in-context": "yes" });
    succeeded(await run(["-t", tag, "-f", "-", files], "FROM busybox\nCOPY in-context /where\n"));
    expect(await daemon.ok("run", "--rm", tag, "cat", "/where")).toBe("yes");
  });

  test("-f beside the context, --target, --build-arg, --label, --iidfile", async () => {
    const files = folder({
      "there/file": "content",
      "docker/Other": "FROM busybox AS first\nARG WHO\nCOPY file /file\nRUN echo $WHO > /who\nFROM first\nRUN false\n",
    });
    const idFile = join(daemon.directory, uniqueName("id"));
    succeeded(
      await run([
        ...["-f", join(files, "docker/Other"), "--target", "first", "--build-arg", "WHO=me", "--label", "a=b=c"],
        ...["--iidfile", idFile, join(files, "there")],
      ]),
    );
    const id = readFileSync(idFile, "utf8");
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await daemon.ok("run", "--rm", id, "cat", "/who", "/file")).toBe("me\ncontent");
    expect(await daemon.ok("image", "inspect", "-f", '{{index .Config.Labels "a"}}', id)).toBe("b=c");
  });
});

describe("buildx", () => {
  sinceGrpc("files that have not changed are not sent again", async () => {
    const files = folder({ Dockerfile: "FROM scratch\nCOPY . /\n", small: "1" });
    await Bun.write(join(files, "large"), "x".repeat(3_000_000));
    const sent = async (name: "buildx" | "old") => {
      const out = join(daemon.directory, uniqueName("out"));
      const said = succeeded(await build[name](["-o", out, files]));
      expect(readFileSync(join(out, "large"), "utf8")).toHaveLength(3_000_000);
      expect(readFileSync(join(out, "small"), "utf8")).toBe(await Bun.file(join(files, "small")).text());
      // The last of its figures: a slow transfer is told piece by piece.
      const figures = said
        .split("load build context")
        .slice(1)
        .join()
        .matchAll(/transferring context: ([\d.]+[kMG]?B)/g);
      return [...figures].at(-1)?.[1] ?? "";
    };
    for (const name of ["buildx", "old"] as const) {
      expect(await sent(name)).toBe("3.00MB");
      await Bun.write(join(files, "small"), name);
      expect(await sent(name)).toBe(`${name.length}B`);
    }
  });

  sinceGrpc("ls and inspect show the daemon as a running builder", async () => {
    expect(succeeded(await docker(["buildx", "ls"]))).toMatch(/default\s+running/);
    expect(succeeded(await docker(["buildx", "inspect"]))).toMatch(/Status:\s+running/);
  });

  sinceGrpc("named contexts: a directory, an image", async () => {
    const files = folder({ Dockerfile: "FROM base\nCOPY --from=other file /file\n" });
    const other = folder({ file: "from the other\n" });
    const tag = uniqueName();
    const words = ["--build-context", `other=${other}`, "--build-context", "base=docker-image://busybox:latest"];
    for (const run of [build.buildx, build.berth]) {
      succeeded(await run(["-t", tag, ...words, files]));
      expect(await daemon.ok("run", "--rm", tag, "cat", "/file")).toBe("from the other");
    }
  });

  sinceGrpc("an OCI layout is made in a directory, and is a context by its tag", async () => {
    const layout = join(daemon.directory, uniqueName("layout"));
    const made = folder({ Dockerfile: "FROM scratch\nWORKDIR /in\nENV from=layout\nCOPY f .\n", f: "of the layout" });
    succeeded(await build.buildx(["-o", `type=oci,dest=${layout},tar=false,name=x/y:one`, made]));
    expect(readdirSync(layout)).toContain("index.json");
    const files = folder({ Dockerfile: "FROM base\nCOPY --from=other /in/f /$from\n" });
    for (const run of [build.buildx, build.berth]) {
      const out = join(daemon.directory, uniqueName("out"));
      const context = (name: string, tag: string) => ["--build-context", `${name}=oci-layout://${layout}:${tag}`];
      succeeded(await run([...context("base", "one"), ...context("other", "one"), "-o", out, files]));
      expect(readFileSync(join(out, "layout"), "utf8")).toBe("of the layout");
    }
    // buildx looks a name up itself, and takes the only image when there is none of it.
    const missing = await build.berth(["--build-context", `base=oci-layout://${layout}:none`, files]);
    expect(missing.stderr).toContain('Cannot read the OCI layout "base": it has no image "none"');
  });

  sinceGrpc("a named directory keeps to its own ignore file", async () => {
    const files = folder({ Dockerfile: "FROM scratch\nCOPY --from=other . /\n" });
    const other = folder({ kept: "1", left: "2", ".dockerignore": "left\n.dockerignore\n" });
    for (const run of [build.buildx, build.berth]) {
      const out = join(daemon.directory, uniqueName("out"));
      succeeded(await run(["--build-context", `other=${other}`, "-o", out, files]));
      expect(readdirSync(out)).toEqual(["kept"]);
    }
  });

  sinceGrpc("--call outline, targets and check say the same whoever asks", async () => {
    const files = folder({
      Dockerfile:
        "# V is the version\nARG V=1\n# one builds\nFROM scratch as one\nARG V\nFROM one AS two\nRUN --mount=type=secret,id=s true\n",
    });
    for (const [call, status] of [
      ["outline", 0],
      ["targets", 0],
      ["check", 1],
      ["subrequests.describe", 0],
    ] as const) {
      const ours = await build.berth(["--call", call, files]);
      const theirs = await build.buildx(["--call", call, files]);
      expect(ours.exitCode).toBe(status);
      expect(theirs.exitCode).toBe(status);
      const trimmed = (text: string) => text.replace(/[ \t]+$/gm, "").trim();
      // buildx names the Dockerfile by its place on the client's disk.
      expect(trimmed(ours.stdout)).toBe(trimmed(theirs.stdout).replaceAll(`${files}/`, ""));
      const json = await build.berth(["--call", `${call},format=json`, files]);
      const document: unknown = JSON.parse(json.stdout);
      expect(JSON.parse((await build.buildx(["--call", `${call},format=json`, files])).stdout)).toEqual(document);
    }
    expect((await build.berth(["--call", "check,ignorestatus=true", files])).exitCode).toBe(0);
    expect((await build.berth(["--call", "wat", files])).stderr).toContain("it is one of build, check");
  });

  sinceGrpc("a Dockerfile in another language is refused at its line", async () => {
    const files = folder({ Dockerfile: "# syntax=example.org/other/language:1\nFROM scratch\n" });
    for (const run of [build.buildx, build.berth, build.old]) {
      const result = await run([files]);
      expect(result.exitCode).not.toBe(0);
      expect(result.stdout + result.stderr).toContain('the frontend "example.org/other/language:1" is not supported');
    }
    succeeded(await build.buildx(["--build-arg", "BUILDKIT_SYNTAX=docker/dockerfile:1", files]));
  });

  sinceGrpc("a context from git: a branch, a folder of it", async () => {
    const repository = folder({
      Dockerfile: "FROM scratch\nRUN false\n",
      "sub/Dockerfile": "FROM busybox\nCOPY f /f\n",
      "sub/f": "from git",
      "whole.Dockerfile": "FROM scratch\nCOPY . /\n",
    });
    const git = (...words: string[]) =>
      mustRun(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", ...words], { directory: repository });
    await git("init", "-q", "-b", "main");
    await git("add", "-A");
    await git("commit", "-q", "-m", "one");
    await git("update-server-info");
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) =>
        new Response(Bun.file(join(repository, new URL(request.url).pathname.replace("/r.git", ".git")))),
      error: () => new Response("", { status: 404 }),
    });
    try {
      const url = `http://127.0.0.1:${server.port}/r.git#main:sub`;
      for (const run of [build.buildx, build.berth]) {
        const tag = uniqueName();
        succeeded(await run(["-t", tag, url]));
        expect(await daemon.ok("run", "--rm", tag, "cat", "/f")).toBe("from git");
        const out = join(daemon.directory, uniqueName("out"));
        const whole = ["-o", out, "-f", "whole.Dockerfile", url.replace(":sub", "")];
        succeeded(await run(["--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", ...whole]));
        expect(readdirSync(join(out, ".git"))).toContain("HEAD");
      }
    } finally {
      await server.stop(true);
    }
  });

  sinceGrpc("a cache in a directory is the client's, who reads and writes it where the daemon sees none", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN head -c 9 /dev/urandom | base64 > /x\nRUN cat /x > /y\n" });
    // Berth's own command asks the daemon to read a directory, unless the daemon is elsewhere: then it is reached by TCP.
    const relay = createServer((near) => {
      const far = connect(daemon.engine.host.replace("unix://", ""));
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on("error", () => (near.destroy(), far.destroy()));
    });
    await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
    const { port } = relay.address() as AddressInfo;
    const program = (words: string) => join(import.meta.dir, "../..", words);
    try {
      for (const [command, environment] of [
        [`${program(".cache/buildkit-clients/new/usr/bin/docker")} buildx build`, {}],
        [
          `${program("bin/berth")} build`,
          { BERTH_HOST: `tcp://127.0.0.1:${port}`, DOCKER_HOST: "", DOCKER_BUILDKIT: "1" },
        ],
      ] as const) {
        const place = join(daemon.directory, uniqueName("cache"));
        const outputs = [1, 2].map(() => join(daemon.directory, uniqueName("out")));
        mkdirSync(place);
        const script = [
          "set -e",
          `mount -t tmpfs tmpfs ${place}`,
          `${command} --no-cache --progress=plain --cache-to type=local,dest=${place}/c,mode=max -o ${outputs[0]} ${files}`,
          `grep -q org.opencontainers.image.ref.name ${place}/c/index.json`,
          `${program("bin/berth")} -H ${daemon.engine.host} builder prune -af > /dev/null`,
          `${command} --progress=plain --cache-from type=local,src=${place}/c -o ${outputs[1]} ${files}`,
          `${command} --progress=plain --cache-from type=local,src=${place}/none -o ${outputs[1]} ${files}`,
        ];
        const options = { environment: { ...clients.environment(), ...environment } };
        const shell = ["unshare", "-m", "--propagation", "slave", "sh", "-c", script.join("\n")];
        succeeded(await runCommand(shell, { timeoutMs: 60_000, ...options }));
        expect(readdirSync(place)).toEqual([]);
        const [first, second] = outputs.map((path) => readFileSync(join(path, "y"), "utf8"));
        expect(second).toBe(first ?? "");
      }
    } finally {
      relay.close();
    }
  });

  sinceGrpc("a context at an address: an archive, or the Dockerfile itself", async () => {
    const files = folder({ Dockerfile: "FROM scratch\nCOPY f /f\n", f: "of the archive" });
    const archive = join(daemon.directory, uniqueName("context"));
    await mustRun(["tar", "-czf", archive, "-C", files, "."]);
    using server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) =>
        new URL(request.url).pathname === "/archive"
          ? new Response(Bun.file(archive))
          : new Response("FROM scratch\nCOPY <<A /f\nof the text\nA\n"),
    });
    for (const run of [build.buildx, build.berth]) {
      for (const [path, content] of [
        ["archive", "of the archive"],
        ["Dockerfile", "of the text\n"],
      ] as const) {
        const out = join(daemon.directory, uniqueName("out"));
        succeeded(await run(["-o", out, `http://127.0.0.1:${server.port}/${path}`]));
        expect(readFileSync(join(out, "f"), "utf8")).toBe(content);
      }
    }
  });

  sinceGrpc("build arguments of BuildKit's own: an index for one platform, a name, a cache in the image", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN --security=insecure echo x > /x\n" });
    for (const run of [build.buildx, build.berth]) {
      const oci = join(daemon.directory, uniqueName("oci"));
      const name = uniqueName("name");
      const given = ["BUILDKIT_MULTI_PLATFORM=1", "BUILDKIT_INLINE_CACHE=1", `BUILDKIT_BUILD_NAME=${name}`];
      const options = ["--provenance=false", "--allow", "security.insecure", "--output", `type=oci,dest=${oci}`];
      succeeded(await run([...given.flatMap((argument) => ["--build-arg", argument]), ...options, files]));
      const read = async (digest: string) =>
        JSON.parse(await mustRun(["tar", "-xOf", oci, `blobs/sha256/${digest.slice(7)}`])) as Index & {
          readonly config: { readonly digest: string };
        };
      const top = JSON.parse(await mustRun(["tar", "-xOf", oci, "index.json"])) as Index;
      const index = await read(top.manifests[0]?.digest ?? "");
      expect(index.manifests.map(({ platform }) => platform?.os)).toEqual(["linux"]);
      const manifest = await read(index.manifests[0]?.digest ?? "");
      expect(Object.keys(await read(manifest.config.digest))).toContain("moby.buildkit.cache.v0");
      expect(succeeded(await berth(["builder", "history", "ls"]))).toContain(name);
      const scanned = ["--sbom=true", "--build-arg", "BUILDKIT_SBOM_SCAN_CONTEXT=true", "--allow", "security.insecure"];
      const told = await run([...scanned, "--progress=plain", "--output", `type=oci,dest=${oci}`, files]);
      expect(told.stderr).toContain("BUILDKIT_SBOM_SCAN_CONTEXT is not followed");
      const out = join(daemon.directory, uniqueName("out"));
      const stages = folder({
        Dockerfile: "FROM busybox AS tools\nRUN true\nFROM scratch\nCOPY --from=tools /etc/passwd /p\n",
      });
      succeeded(await run(["--sbom=true", "--build-arg", "BUILDKIT_SBOM_SCAN_STAGE=tools,no", "-o", out, stages]));
      expect(readdirSync(out).sort()).toEqual(["p", "sbom-build-tools.spdx.json", "sbom.spdx.json"]);
    }
  });

  sinceGrpc(
    "archives: OCI with statements about the image, Docker's; the metadata file names what they hold",
    async () => {
      const files = folder({ Dockerfile: "FROM busybox\nRUN echo x > /x\n" });
      const metadata = join(daemon.directory, uniqueName("metadata"));
      for (const run of [build.buildx, build.berth]) {
        const oci = join(daemon.directory, uniqueName("oci"));
        succeeded(
          await run([
            ...["-t", "shop:1", "--provenance=mode=max", "--sbom=true", "--annotation", "manifest:note=kept"],
            ...["--metadata-file", metadata, "--output", `type=oci,dest=${oci}`, files],
          ]),
        );
        const read = async (path: string) => JSON.parse(await mustRun(["tar", "-xOf", oci, path])) as Index;
        const { manifests } = await read("index.json");
        const digest = manifests[0]?.digest ?? "";
        expect(manifests[0]?.annotations?.["io.containerd.image.name"]).toBe("docker.io/library/shop:1");
        expect((JSON.parse(readFileSync(metadata, "utf8")) as Record<string, string>)["containerimage.digest"]).toBe(
          digest,
        );
        const index = await read(`blobs/sha256/${digest.slice(7)}`);
        expect(index.manifests.map(({ platform }) => platform?.os)).toEqual(["linux", "unknown"]);
        const statements = await read(`blobs/sha256/${index.manifests[1]?.digest.slice(7) ?? ""}`);
        expect(statements.layers?.map(({ annotations }) => annotations?.["in-toto.io/predicate-type"])).toEqual([
          "https://spdx.dev/Document",
          "https://slsa.dev/provenance/v1",
        ]);
        const image = await read(`blobs/sha256/${index.manifests[0]?.digest.slice(7) ?? ""}`);
        expect(image.annotations).toEqual({ note: "kept" });
        const archive = join(daemon.directory, uniqueName("docker"));
        succeeded(await run(["-t", "loaded:1", "--output", `type=docker,dest=${archive}`, files]));
        expect(await daemon.ok("load", "-i", archive)).toContain("loaded:1");
        expect(await daemon.ok("run", "--rm", "loaded:1", "cat", "/x")).toBe("x");
      }
    },
  );

  sinceGrpc("the same build at the same SOURCE_DATE_EPOCH is the same archive", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN echo x > /x\n" });
    const archives: string[] = [];
    for (const run of [build.buildx, build.berth, build.buildx]) {
      const oci = join(daemon.directory, uniqueName("oci"));
      succeeded(
        await run([
          ...["--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1700000000"],
          ...["--output", `type=oci,dest=${oci},rewrite-timestamp=true`, files],
        ]),
      );
      archives.push(await mustRun(["tar", "-xOf", oci, "index.json"]));
    }
    expect(new Set(archives).size).toBe(1);
  });

  sinceGrpc("--check: findings with their rules and lines, and the exit status", async () => {
    const files = folder({ Dockerfile: "FROM busybox as Build\nCMD echo hi\n" });
    for (const run of [docker, berth]) {
      const words = run === docker ? ["buildx", "build", "--check", files] : ["build", "--check", files];
      const result = await run(words);
      expect(result.exitCode).toBe(1);
      expect(result.stdout).toContain("WARNING: StageNameCasing");
      expect(result.stdout).toContain("Dockerfile:1");
    }
    const good = folder({ Dockerfile: "FROM busybox\nRUN true\n" });
    expect((await docker(["buildx", "build", "--check", good])).exitCode).toBe(0);
    expect((await berth(["build", "--check", good])).exitCode).toBe(0);
  });

  sinceGrpc("a client that is interrupted ends its build", async () => {
    const files = folder({ Dockerfile: `FROM busybox\nRUN echo started && sleep 28${process.pid}\n` });
    for (const run of [["buildx", "build"], ["build"]]) {
      const program = run.length === 2 ? "new/usr/bin/docker" : undefined;
      const command =
        program === undefined
          ? join(import.meta.dir, "../../bin/berth")
          : join(import.meta.dir, "../../.cache/buildkit-clients", program);
      const child = Bun.spawn([command, ...run, "--no-cache", "--progress=plain", files], {
        env: { ...process.env, ...clients.environment(), DOCKER_BUILDKIT: "1" },
        stdout: "ignore",
        stderr: "pipe",
      });
      const sleeps = async () => (await runCommand(["pgrep", "-f", `sleep 28${process.pid}`])).stdout.trim() !== "";
      await eventually("the step", sleeps);
      child.kill("SIGINT");
      expect(await child.exited).not.toBe(0);
      await eventually("the end of the step", async () => !(await sleeps()));
    }
  });

  sinceGrpc("history: what ran, what it said, gone when it is removed; du lists the cache", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN echo said-in-history\n" });
    succeeded(await build.buildx(["--no-cache", files]));
    for (const [run, group] of [
      [docker, "buildx"],
      [berth, "builder"],
    ] as const) {
      const [reference = ""] = succeeded(await run([group, "history", "ls", "--format", "{{.Ref}}"])).split("\n");
      expect(succeeded(await run([group, "history", "logs", reference]))).toContain("said-in-history");
      expect(succeeded(await run([group, "history", "inspect", reference]))).toContain("Dockerfile");
      expect(succeeded(await run([group, "du"]))).toMatch(/Total:\s+\d/);
    }
    const [reference = ""] = succeeded(await berth(["builder", "history", "ls", "-q"])).split("\n");
    succeeded(await docker(["buildx", "history", "rm", reference]));
    expect((await berth(["builder", "history", "inspect", reference])).exitCode).toBe(1);
  });

  sinceGrpc("what is not there is refused by name", async () => {
    const files = folder({ Dockerfile: "# syntax=example.com/other:1\nFROM busybox\n" });
    const foreign = await build.buildx(["--build-arg", "BUILDKIT_SYNTAX=example.com/other:1", files]);
    expect(foreign.exitCode).not.toBe(0);
    const option = await build.buildx(["--output", "type=image,nonsense=1", folder({ Dockerfile: "FROM busybox\n" })]);
    expect(option.exitCode).not.toBe(0);
    expect(option.stderr).toContain("nonsense");
    // That somebody else does not answer is no state of this daemon.
    for (const source of ["http://127.0.0.1:1/f", "git://127.0.0.1:1/r.git"]) {
      const { stderr, exitCode } = await build.buildx([folder({ Dockerfile: `FROM scratch\nADD ${source} /f\n` })]);
      expect([exitCode === 0, stderr.includes("Unavailable")]).toEqual([false, false]);
      expect(stderr).toContain("127.0.0.1");
    }
  });
});

type Index = {
  readonly manifests: readonly {
    readonly digest: string;
    readonly platform?: { readonly os: string };
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
  readonly layers?: readonly { readonly annotations?: Readonly<Record<string, string>> }[];
  readonly annotations?: Readonly<Record<string, string>>;
};

describe("compose", () => {
  sinceGrpc("builds its services at once, with secrets, arguments and Dockerfiles in the file", async () => {
    const project = folder({
      "compose.yaml": `services:
  one:
    image: compose-one
    build: { context: ., args: { WHO: me }, secrets: [token] }
  two:
    image: compose-two
    build: { context: ., dockerfile_inline: "FROM busybox\\nCOPY file /file\\n" }
secrets:
  token: { file: ./token }
`,
      Dockerfile:
        "FROM busybox\nARG WHO\nRUN --mount=type=secret,id=token echo $WHO $(wc -c < /run/secrets/token) > /who\n",
      token: "12345",
      file: "content",
    });
    succeeded(await docker(["compose", "build"], { directory: project }));
    expect(await daemon.ok("run", "--rm", "compose-one", "cat", "/who")).toBe("me 5");
    expect(await daemon.ok("run", "--rm", "compose-two", "cat", "/file")).toBe("content");
  });
});

describe("berth build", () => {
  sinceGrpc("reads a directory in place: what changed is built again, and --explain says what", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nCOPY a /a\nRUN cat /a\n", a: "one" });
    succeeded(await berth(["build", files]));
    const cached = succeeded(await berth(["build", "--explain", files]));
    expect(cached).toMatch(/cached\s+\S+\s+\[2\/3\] COPY a \/a/);
    await Bun.write(join(files, "a"), "two");
    const changed = succeeded(await berth(["build", "--explain", files]));
    expect(changed).toMatch(/done\s+\S+\s+\[2\/3\] COPY a \/a\s+\S/);
  });

  sinceGrpc("--progress=rawjson is one document a line, --quiet the id alone", async () => {
    const files = folder({ Dockerfile: "FROM busybox\nRUN echo raw\n" });
    const raw = await berth(["build", "--progress=rawjson", files]);
    const documents = raw.stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(documents.some((document) => "vertexes" in document)).toBe(true);
    expect((await berth(["build", "-q", files])).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });
});
