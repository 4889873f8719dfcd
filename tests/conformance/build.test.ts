import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { eventually } from "../engines/command.ts";
import { client, targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

/** A build context of the given files. */
function context(files: Readonly<Record<string, string>>): string {
  const folder = join(daemon.directory, uniqueName("context"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Builds `dockerfile` (with further files) as `tag`; returns what the builder printed. */
async function build(
  tag: string,
  dockerfile: string,
  files: Readonly<Record<string, string>> = {},
  ...words: string[]
): Promise<string> {
  const result = await daemon.cli(["build", "-t", tag, ...words, context({ Dockerfile: dockerfile, ...files })]);
  if (result.exitCode !== 0) throw new Error(`build failed (${result.exitCode}):\n${result.stdout}${result.stderr}`);
  return result.stdout + result.stderr;
}

const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);
const config = async <Value>(image: string, field: string) =>
  JSON.parse(await daemon.ok("image", "inspect", "-f", `{{json .Config.${field}}}`, image)) as Value;

describe("build", () => {
  test("FROM, RUN, COPY, CMD make an image that runs", async () => {
    const output = await build(
      "basic:v1",
      'FROM busybox\nRUN echo made > /made\nCOPY greeting /srv/greeting\nCMD ["cat", "/made", "/srv/greeting"]\n',
      { greeting: "hello\n" },
    );
    expect(output).toContain("Step 1/4 : FROM busybox");
    expect(output).toMatch(/Successfully built [0-9a-f]{12}/);
    expect(output).toContain("Successfully tagged basic:v1");
    expect(await run("basic:v1")).toBe("made\nhello");
  });

  test("the second build is all cache and gives the same image", async () => {
    const dockerfile = "FROM busybox\nRUN date +%N > /stamp; cat /proc/sys/kernel/random/uuid >> /stamp\nCOPY f /f\n";
    await build("cache:v1", dockerfile, { f: "1" });
    const first = await daemon.ok("image", "inspect", "-f", "{{.Id}}", "cache:v1");
    const output = await build("cache:v2", dockerfile, { f: "1" });
    expect(output.match(/---> Using cache/g)?.length).toBe(2);
    expect(await daemon.ok("image", "inspect", "-f", "{{.Id}}", "cache:v2")).toBe(first);
    const changed = await build("cache:v3", dockerfile, { f: "2" });
    expect(changed.match(/---> Using cache/g)?.length).toBe(1);
    expect(await run("cache:v3", "cat", "/f")).toBe("2");
    const fresh = await build("cache:v4", dockerfile, { f: "1" }, "--no-cache");
    expect(fresh).not.toContain("Using cache");
    expect(await run("cache:v4", "cat", "/stamp")).not.toBe(await run("cache:v2", "cat", "/stamp"));
  });

  test("a file's time alone does not break the cache", async () => {
    const folder = context({ Dockerfile: "FROM busybox\nCOPY f /f\n", f: "same" });
    await daemon.ok("build", "-q", "-t", "time:v1", folder);
    utimesSync(join(folder, "f"), 1, 1);
    const again = await daemon.cli(["build", "-t", "time:v2", folder]);
    expect(again.stdout).toContain("Using cache");
  });

  test("ENV, ARG, LABEL, WORKDIR, USER, EXPOSE, VOLUME, STOPSIGNAL, ENTRYPOINT, HEALTHCHECK, SHELL, MAINTAINER", async () => {
    await build(
      "everything:v1",
      [
        "FROM busybox",
        "ARG WHO=nobody-given",
        'ENV A=1 B="two words" C=${WHO}-x',
        "ENV D $A.$B",
        'LABEL one=1 two="2 2"',
        "LABEL three $C",
        "WORKDIR /place",
        "WORKDIR sub",
        "RUN pwd > /pwd",
        "USER 12:34",
        "RUN id -u > /tmp/id",
        "EXPOSE 80 53/udp 8000-8001",
        'VOLUME /data ["/more"]'.replace(' ["/more"]', ""),
        "STOPSIGNAL SIGUSR1",
        "HEALTHCHECK --interval=5s --timeout=3s --retries=2 CMD echo ok",
        'SHELL ["/bin/sh", "-e", "-c"]',
        'ENTRYPOINT ["echo", "entry"]',
        "CMD default",
        "MAINTAINER A. Person <a@example.com>",
        "",
      ].join("\n"),
      {},
      "--build-arg",
      "WHO=me",
    );
    expect(await config<string[]>("everything:v1", "Env")).toEqual(
      expect.arrayContaining(["A=1", "B=two words", "C=me-x", "D=1.two words"]),
    );
    expect(await config<Record<string, string>>("everything:v1", "Labels")).toEqual({
      one: "1",
      two: "2 2",
      three: "me-x",
    });
    expect(await config<string>("everything:v1", "WorkingDir")).toBe("/place/sub");
    expect(await config<string>("everything:v1", "User")).toBe("12:34");
    expect(Object.keys(await config<object>("everything:v1", "ExposedPorts")).toSorted()).toEqual([
      "53/udp",
      "80/tcp",
      "8000/tcp",
      "8001/tcp",
    ]);
    expect(await config<object>("everything:v1", "Volumes")).toEqual({ "/data": {} });
    expect(await config<object>("everything:v1", "Healthcheck")).toMatchObject({
      Test: ["CMD-SHELL", "echo ok"],
      Interval: 5e9,
      Timeout: 3e9,
      Retries: 2,
    });
    expect(await config<string[]>("everything:v1", "Entrypoint")).toEqual(["echo", "entry"]);
    expect(await config<string[]>("everything:v1", "Cmd")).toEqual(["/bin/sh", "-e", "-c", "default"]);
    expect(await daemon.ok("image", "inspect", "-f", "{{.Author}}|{{.Config.StopSignal}}", "everything:v1")).toBe(
      "A. Person <a@example.com>|SIGUSR1",
    );
    expect(await run("--entrypoint", "cat", "everything:v1", "/pwd", "/tmp/id")).toBe("/place/sub\n12");
  });

  test("several stages, COPY --from by name and number, --target", async () => {
    const dockerfile = [
      "FROM busybox AS compile",
      "RUN mkdir /out && echo binary > /out/program && echo big > /out/junk",
      "FROM busybox AS other",
      "COPY --from=0 /out/program /p0",
      "FROM busybox",
      "COPY --from=compile /out/program /usr/bin/program",
      "COPY --from=other /p0 /",
      "COPY --from=busybox /etc/group /group-of-image",
      "",
    ].join("\n");
    await build("stages:v1", dockerfile);
    expect(await run("stages:v1", "cat", "/usr/bin/program", "/p0")).toBe("binary\nbinary");
    expect((await daemon.cli(["run", "--rm", "stages:v1", "ls", "/out"])).exitCode).not.toBe(0);
    await build("stages:compile", dockerfile, {}, "--target", "compile");
    expect(await run("stages:compile", "cat", "/out/junk")).toBe("big");
  });

  test("COPY: directories, wildcards, several sources, modes and links", async () => {
    const folder = context({
      Dockerfile:
        'FROM busybox\nCOPY dir /dir\nCOPY dir/ /flat/\nCOPY *.txt /texts/\nCOPY a.txt dir/deep/leaf /two/\nCOPY --chown=7:8 a.txt /owned\nWORKDIR /w\nCOPY a.txt .\nCOPY ["with space", "/spaced name"]\n',
      "dir/one": "1",
      "dir/deep/leaf": "leaf",
      "a.txt": "a",
      "b.txt": "b",
      "with space": "s",
    });
    chmodSync(join(folder, "dir/one"), 0o751);
    symlinkSync("one", join(folder, "dir/link"));
    await daemon.ok("build", "-q", "-t", "copy:v1", folder);
    const output = await run(
      "copy:v1", "sh", "-c",
      "stat -c %a /dir/one; readlink /dir/link; cat /flat/deep/leaf; ls /texts /two; stat -c %u:%g /owned /dir/one; cat /w/a.txt '/spaced name'",
    ); // prettier-ignore
    expect(output.split("\n")).toEqual([
      "751",
      "one",
      "leaf/texts:",
      "a.txt",
      "b.txt",
      "",
      "/two:",
      "a.txt",
      "leaf",
      "7:8",
      "0:0",
      "as",
    ]);
  });

  test("ADD unpacks a local tar, COPY does not", async () => {
    const folder = context({
      Dockerfile: "FROM busybox\nADD pack.tar.gz /unpacked/\nCOPY pack.tar.gz /kept/\nADD plain /\n",
      "in/file": "inside",
      plain: "p",
    });
    await Bun.$`tar -C ${join(folder, "in")} -czf ${join(folder, "pack.tar.gz")} file`;
    await daemon.ok("build", "-q", "-t", "add:v1", folder);
    expect(await run("add:v1", "sh", "-c", "cat /unpacked/file /plain; ls /kept")).toBe("insideppack.tar.gz");
  });

  test(".dockerignore leaves files out, exceptions keep some", async () => {
    const folder = context({
      Dockerfile: "FROM busybox\nCOPY . /all/\n",
      ".dockerignore": "# comment\n*.log\nsecret/\n!keep.log\nnested/**/skip\n",
      "a.log": "x",
      "keep.log": "x",
      "secret/key": "x",
      "nested/deep/skip": "x",
      "nested/deep/take": "x",
      "b.txt": "x",
    });
    await daemon.ok("build", "-q", "-t", "ignore:v1", folder);
    const files = (await run("ignore:v1", "sh", "-c", "cd /all && find . -type f | sort")).split("\n");
    expect(files).toEqual(["./.dockerignore", "./Dockerfile", "./b.txt", "./keep.log", "./nested/deep/take"]);
  });

  test("ONBUILD runs in the image built on top", async () => {
    await build("onbuild:base", "FROM busybox\nONBUILD RUN echo triggered > /t\nONBUILD COPY app /app\n");
    await build("onbuild:child", "FROM onbuild:base\n", { app: "application" });
    expect(await run("onbuild:child", "cat", "/t", "/app")).toBe("triggered\napplication");
  });

  test("ARG before FROM, predefined and unused arguments", async () => {
    await build(
      "arg:v1",
      "ARG BASE=busybox\nFROM ${BASE}\nARG BASE\nARG X=${BASE:-none}\nRUN echo $X > /x\n",
      {},
      "--build-arg",
      "BASE=busybox:latest",
    );
    expect(await run("arg:v1", "cat", "/x")).toBe("busybox:latest");
    const unused = await daemon.cli([
      "build",
      "-t",
      "arg:v2",
      "--build-arg",
      "NOBODY=1",
      context({ Dockerfile: "FROM busybox\n" }),
    ]);
    expect(unused.stdout + unused.stderr).toContain("[NOBODY] were not consumed");
  });

  test("escapes, comments, continued lines and other case", async () => {
    await build(
      "syntax:v1",
      "# escape=`\nfrom busybox as x\n\n# comment\nrun echo one `\n  # inside\n  && echo two > /two\nenv A=b\\c\n",
    );
    expect(await run("syntax:v1", "cat", "/two")).toBe("two");
  });

  test("-f elsewhere, from standard input, and a tar as context", async () => {
    const folder = context({ "docker/Other": "FROM busybox\nCOPY f /f\n", f: "content" });
    await daemon.ok("build", "-q", "-t", "other:v1", "-f", join(folder, "docker/Other"), folder);
    expect(await run("other:v1", "cat", "/f")).toBe("content");
    expect(
      (await daemon.cli(["build", "-q", "-t", "stdin:v1", "-"], { input: "FROM busybox\nRUN echo x > /x\n" })).exitCode,
    ).toBe(0);
    expect(await run("stdin:v1", "cat", "/x")).toBe("x");
    const fromTar = await Bun.$`tar -C ${folder} -c . | ${client} build -q -t tar:v1 -f docker/Other -`
      .env({ ...process.env, ...daemon.environment })
      .text();
    expect(fromTar).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect(await run("tar:v1", "cat", "/f")).toBe("content");
  });

  test("-q prints the id alone; --iidfile writes it; several tags; --label", async () => {
    const folder = context({ Dockerfile: "FROM busybox\nRUN true\n" });
    const file = join(daemon.directory, uniqueName("iid"));
    const id = await daemon.ok(
      "build",
      "-q",
      "--iidfile",
      file,
      "-t",
      "many:v1",
      "-t",
      "many:v2",
      "--label",
      "from=flag",
      folder,
    );
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect((await Bun.file(file).text()).trim()).toBe(id);
    for (const tag of ["many:v1", "many:v2"])
      expect(await daemon.ok("image", "inspect", "-f", "{{.Id}} {{.Config.Labels.from}}", tag)).toBe(`${id} flag`);
  });

  test("what a step deletes is gone, what it makes keeps owner and mode", async () => {
    await build(
      "changes:v1",
      "FROM busybox\nRUN rm /bin/vi && mkdir -m 2770 /set && chown 5:6 /set && ln -s /set /l && mkfifo /pipe\nRUN rm -r /home && mkdir /home && touch /home/new\n",
    );
    const output = await run(
      "changes:v1",
      "sh",
      "-c",
      "ls /bin/vi 2>/dev/null; stat -c '%a %u:%g %F' /set /pipe; readlink /l; ls /home",
    );
    expect(output.split("\n")).toEqual(["2770 5:6 directory", "644 0:0 fifo", "/set", "new"]);
  });

  test("a VOLUME's directory keeps what the image put there", async () => {
    await build("volume:v1", "FROM busybox\nRUN mkdir /v && echo seed > /v/seed\nVOLUME /v\n");
    expect(await run("volume:v1", "cat", "/v/seed")).toBe("seed");
  });

  test("history names the instructions", async () => {
    await build("history:v1", "FROM busybox\nENV A=b\nRUN echo x > /x\n");
    const lines = (await daemon.ok("history", "--no-trunc", "--format", "{{.CreatedBy}}", "history:v1")).split("\n");
    expect(lines[0]).toContain("echo x > /x");
    expect(lines[1]).toContain("ENV A=b");
    expect(lines.at(-1)).toBe("busybox-static");
  });

  test("steps see the network's names and no environment of the host", async () => {
    await build("clean:v1", "FROM busybox\nRUN env | sort > /env; cat /etc/resolv.conf > /resolv\n");
    const env = await run("clean:v1", "cat", "/env");
    expect(env).not.toContain("DOCKER_HOST");
    expect(env).toContain("PATH=");
    expect(await daemon.ok("image", "inspect", "-f", "{{json .Config.Env}}", "clean:v1")).not.toContain("HOSTNAME");
  });

  test("--network none and --add-host", async () => {
    await build(
      "net:v1",
      "FROM busybox\nRUN ls /sys/class/net > /net; cat /etc/hosts > /hosts.seen\n",
      {},
      "--network",
      "none",
      "--add-host",
      "api:10.9.8.7",
    );
    expect(await run("net:v1", "cat", "/net")).toBe("lo");
    expect(await run("net:v1", "cat", "/hosts.seen")).toMatch(/10\.9\.8\.7\s+api/);
  });

  test("a build that is cut off leaves no container", async () => {
    const all = async () => (await daemon.ok("images", "-q", "-a")).split("\n").toSorted();
    const before = await all();
    const child = Bun.spawn(
      [client, "build", "-t", "cut:v1", context({ Dockerfile: "FROM busybox\nRUN sleep 300\n" })],
      {
        env: { ...process.env, ...daemon.environment },
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const reader = child.stdout.getReader();
    let text = "";
    while (!text.includes("RUN sleep")) text += new TextDecoder().decode((await reader.read()).value);
    child.kill("SIGKILL");
    await child.exited;
    await eventually("nothing to be left", async () => {
      if (targetIsDockerd) await daemon.cli(["container", "prune", "-f"]);
      return (await daemon.ok("ps", "-aq")) === "";
    });
    expect(await all()).toEqual(before);
  });

  test("two builds at once", async () => {
    await Promise.all(
      [1, 2, 3, 4].map((index) => build(`parallel:v${index}`, `FROM busybox\nRUN echo ${index} > /n; sleep 0.2\n`)),
    );
    for (const index of [1, 2, 3, 4]) expect(await run(`parallel:v${index}`, "cat", "/n")).toBe(String(index));
  });

  test("the builder's cache is counted and pruned", async () => {
    // The filters of `system prune` go to the builder too, whose records have no labels.
    for (const filter of ["label=kept", "label!=kept"]) {
      expect(await daemon.ok("system", "prune", "-f", "--filter", filter)).toContain("Total reclaimed space");
    }
    expect((await daemon.cli(["builder", "prune", "-f"])).stdout).toContain("Total reclaimed space");
  });
});
