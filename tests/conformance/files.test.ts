import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../engines/command.ts";
import { client, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const box = uniqueName("box");
const scratch = (name: string) => join(daemon.directory, name);

beforeAll(async () => {
  await daemon.ok("run", "-d", "--name", box, "-v", "/volume", "busybox", "sleep", "10000");
  await daemon.ok(
    "exec", box, "sh", "-c",
    "mkdir -p /src/sub && echo one > /src/one && echo two > /src/sub/two && ln -s one /src/link && chmod 640 /src/one && chown 7:8 /src/one",
  ); // prettier-ignore
});

describe("cp", () => {
  test("a file out, a file in", async () => {
    await daemon.ok("cp", `${box}:/src/one`, scratch("one"));
    expect(readFileSync(scratch("one"), "utf8")).toBe("one\n");
    expect(lstatSync(scratch("one")).mode & 0o777).toBe(0o640);
    writeFileSync(scratch("in"), "in\n");
    await daemon.ok("cp", scratch("in"), `${box}:/tmp/`);
    await daemon.ok("cp", scratch("in"), `${box}:/tmp/renamed`);
    expect(await daemon.ok("exec", box, "cat", "/tmp/in", "/tmp/renamed")).toBe("in\nin");
  });

  test("a directory out: whole, or its contents", async () => {
    await daemon.ok("cp", `${box}:/src`, scratch("whole"));
    expect(readFileSync(scratch("whole/sub/two"), "utf8")).toBe("two\n");
    expect(readlinkSync(scratch("whole/link"))).toBe("one");
    mkdirSync(scratch("there"));
    await daemon.ok("cp", `${box}:/src`, scratch("there"));
    expect(existsSync(scratch("there/src/one"))).toBe(true);
    await daemon.ok("cp", `${box}:/src/.`, scratch("there"));
    expect(existsSync(scratch("there/one"))).toBe(true);
  });

  test("a directory in", async () => {
    mkdirSync(scratch("tree/deep"), { recursive: true });
    writeFileSync(scratch("tree/deep/leaf"), "leaf");
    symlinkSync("deep/leaf", scratch("tree/pointer"));
    await daemon.ok("cp", scratch("tree"), `${box}:/tmp`);
    expect(await daemon.ok("exec", box, "sh", "-c", "cat /tmp/tree/deep/leaf; readlink /tmp/tree/pointer")).toBe(
      "leafdeep/leaf",
    );
  });

  test("through standard streams as tar", async () => {
    const listing = await Bun.$`${client} cp ${box}:/src - | tar -t`
      .env({ ...process.env, ...daemon.environment })
      .text();
    expect(listing.split("\n").filter(Boolean).toSorted()).toEqual([
      "src/",
      "src/link",
      "src/one",
      "src/sub/",
      "src/sub/two",
    ]);
    await Bun.$`tar -C ${daemon.directory} -cf - in | ${client} cp - ${box}:/volume`
      .env({ ...process.env, ...daemon.environment })
      .quiet();
    expect(await daemon.ok("exec", box, "cat", "/volume/in")).toBe("in");
  });

  test("works on volumes and on containers that were never started", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "-v", "/data", "busybox", "cat", "/data/in", "/root/in");
    await daemon.ok("cp", scratch("in"), `${name}:/data/in`);
    await daemon.ok("cp", scratch("in"), `${name}:/root/in`);
    expect(await daemon.ok("start", "-a", name)).toBe("in\nin");
    await daemon.ok("cp", `${name}:/data/in`, scratch("back"));
    expect(readFileSync(scratch("back"), "utf8")).toBe("in\n");
    await daemon.ok("rm", "-v", name);
  });

  test("links lead from volume to volume and to the root, running or not", async () => {
    const name = uniqueName();
    const [outer, inner] = [scratch("outer"), scratch("inner")];
    mkdirSync(join(outer, "sub"), { recursive: true });
    mkdirSync(inner);
    for (const [link, target] of Object.entries({ out: "/tmp", within: "sub", file: "sub/file", dead: "nowhere" })) {
      symlinkSync(target, join(outer, link));
    }
    const locked = ["-v", `${inner}:/locked:ro`, "-v", `${scratch("in")}:/etc/single`];
    const volumes = ["-v", `${outer}:/vol`, "-v", `${inner}:/vol/sub/inner`, ...locked];
    await daemon.ok("run", "--name", name, ...volumes, "busybox", "ln", "-s", "/vol", "/tovolume");
    const put = (path: string, empty = new Uint8Array(1024)) =>
      daemon.api("PUT", `/containers/${name}/archive?path=${path}`, empty, { "Content-Type": "application/x-tar" });
    const linkTarget = async (path: string) => {
      const answer = await daemon.api("HEAD", `/containers/${name}/archive?path=${path}`);
      const stat: unknown = JSON.parse(
        Buffer.from(answer.headers.get("x-docker-container-path-stat") ?? "", "base64").toString(),
      );
      return stat;
    };
    await daemon.ok("cp", scratch("in"), `${name}:/vol/out/arrived`);
    await daemon.ok("cp", `${name}:/tmp/arrived`, scratch("arrived"));
    await daemon.ok("cp", scratch("in"), `${name}:/vol/within/one`);
    await daemon.ok("cp", scratch("in"), `${name}:/tovolume/sub/two`);
    await daemon.ok("cp", scratch("in"), `${name}:/vol/within/inner/three`);
    writeFileSync(join(outer, "sub/file"), "old");
    await daemon.ok("cp", scratch("in"), `${name}:/vol/file`);
    await daemon.ok("cp", `${name}:/etc/single`, scratch("single"));
    for (const path of ["outer/sub/one", "outer/sub/two", "inner/three", "outer/sub/file", "arrived", "single"]) {
      expect(readFileSync(scratch(path), "utf8")).toBe("in\n");
    }
    expect(await linkTarget("/vol/file")).toMatchObject({ name: "file", linkTarget: "/vol/sub/file" });
    expect(await linkTarget("/vol/dead")).toMatchObject({ name: "dead", linkTarget: "/vol/nowhere" });
    expect((await put("/locked")).text).toContain("mounted volume is marked read-only");
    expect((await put("/vol/nothing")).status).toBe(404);
    await daemon.ok("rm", name);
    await daemon.ok("create", "--name", name, "--read-only", ...volumes, "busybox");
    expect((await put("/vol/out")).text).toContain("container rootfs is marked read-only");
    expect((await put("/vol/within")).status).toBe(200);
    await daemon.ok("rm", name);
  });

  test("-L follows a link", async () => {
    await daemon.ok("cp", "-L", `${box}:/src/link`, scratch("followed"));
    expect(readFileSync(scratch("followed"), "utf8")).toBe("one\n");
  });

  test("a symbolic link in the container never leads out of it", async () => {
    const secret = scratch("secret");
    writeFileSync(secret, "host's");
    await daemon.ok(
      "exec",
      box,
      "sh",
      "-c",
      `ln -s ${daemon.directory} /escape; mkdir -p /tmp/t; ln -s ../../../../../../..${daemon.directory} /tmp/t/up`,
    );
    for (const path of ["/escape/secret", "/tmp/t/up/secret"]) {
      const result = await daemon.cli(["cp", `${box}:${path}`, scratch("stolen")]);
      expect(result.exitCode).toBe(1);
      expect(existsSync(scratch("stolen"))).toBe(false);
    }
    await daemon.cli(["cp", scratch("in"), `${box}:/escape/planted`]);
    expect(existsSync(scratch("planted"))).toBe(false);
  });

  test("missing paths are named", async () => {
    const out = await daemon.cli(["cp", `${box}:/nowhere`, scratch("x")]);
    expect(out.exitCode).toBe(1);
    expect(out.stderr).toContain("Could not find the file /nowhere in container");
    expect((await daemon.cli(["cp", scratch("in"), `${box}:/no/such/dir/`])).exitCode).toBe(1);
    expect((await daemon.cli(["cp", scratch("absent"), `${box}:/tmp`])).exitCode).toBe(1);
    expect((await daemon.cli(["cp", "missing-container:/x", scratch("x")])).stderr).toContain("missing-container");
  });

  test("a read-only root is refused", async () => {
    const name = uniqueName();
    await daemon.ok("run", "-d", "--read-only", "--name", name, "busybox", "sleep", "1000");
    const result = await daemon.cli(["cp", scratch("in"), `${name}:/tmp/in`]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("read-only");
    await daemon.ok("rm", "-f", name);
  });

  test("HEAD archive tells the file's data in a header", async () => {
    const answer = await daemon.api("HEAD", `/containers/${box}/archive?path=/src/link`);
    expect(answer.status).toBe(200);
    const header = Buffer.from(answer.headers.get("X-Docker-Container-Path-Stat") ?? "", "base64").toString();
    const stat = JSON.parse(header) as { name: string; mode: number; linkTarget: string };
    expect(stat).toMatchObject({ name: "link", linkTarget: "/src/one" });
    expect(stat.mode & (1 << 27)).toBe(1 << 27);
    expect((await daemon.api("HEAD", `/containers/${box}/archive?path=/none`)).status).toBe(404);
  });
});

describe("diff, commit, export, import", () => {
  test("diff tells added, changed and deleted", async () => {
    const name = uniqueName();
    await daemon.ok(
      "run",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "echo x > /etc/new; echo y >> /etc/passwd; rm /bin/vi; mkdir /made",
    );
    const lines = (await daemon.ok("diff", name)).split("\n").toSorted();
    expect(lines).toEqual(["A /etc/new", "A /made", "C /bin", "C /etc", "C /etc/passwd", "D /bin/vi"].toSorted());
    await daemon.ok("rm", name);
  });

  test("diff of an untouched container is empty", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox");
    expect(await daemon.ok("diff", name)).toBe("");
    await daemon.ok("rm", name);
  });

  test("commit makes an image with the changes, options on top", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "sh", "-c", "echo kept > /kept; rm /bin/vi");
    const id = await daemon.ok(
      "commit", "-a", "A. Author", "-m", "a message", "-c", "ENV LEVEL=2", "-c", 'CMD ["cat","/kept"]', "-c", "LABEL a=b", name, "committed:v1",
    ); // prettier-ignore
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await daemon.ok("run", "--rm", "committed:v1")).toBe("kept");
    expect(
      await daemon.ok("run", "--rm", "committed:v1", "sh", "-c", "echo $LEVEL; ls /bin/vi 2>&1 || true"),
    ).toStartWith("2\nls:");
    expect(
      await daemon.ok(
        "image",
        "inspect",
        "-f",
        '{{.Author}}|{{.Comment}}|{{index .Config.Labels "a"}}',
        "committed:v1",
      ),
    ).toBe("A. Author|a message|b");
    expect((await daemon.ok("history", "-q", "--no-trunc", "committed:v1")).split("\n")[0]).toBe(id);
    await daemon.ok("rm", name);
    await daemon.ok("rmi", "committed:v1");
  });

  test("commit of a running container leaves it running", async () => {
    const id = await daemon.ok("commit", box);
    expect(await daemon.ok("inspect", "-f", "{{.State.Status}}", box)).toBe("running");
    await daemon.ok("rmi", id);
  });

  test("export and import carry the tree", async () => {
    const archive = scratch("export.tar");
    await daemon.ok("export", "-o", archive, box);
    const listing = (await mustRun(["tar", "-tf", archive])).split("\n");
    expect(listing).toContain("src/sub/two");
    expect(listing.some((name) => name.startsWith("volume/in"))).toBe(false);
    const id = await daemon.ok("import", "-c", 'CMD ["cat","/src/one"]', "-m", "brought in", archive, "imported:v1");
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await daemon.ok("run", "--rm", "imported:v1")).toBe("one");
    expect(await daemon.ok("run", "--rm", "imported:v1", "stat", "-c", "%u:%g %a", "/src/one")).toBe("7:8 640");
    await daemon.ok("rmi", "imported:v1");
  });

  test("import from standard input", async () => {
    const id = await Bun.$`${client} export ${box} | ${client} import - piped:v1`
      .env({ ...process.env, ...daemon.environment })
      .text();
    expect(id.trim()).toMatch(/^sha256:[0-9a-f]{64}$/);
    await daemon.ok("rmi", "piped:v1");
  });

  test("import from an address is fetched by the daemon", async () => {
    const archive = scratch("served.tar");
    await daemon.ok("export", "-o", archive, box);
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) =>
        url.endsWith("/root.tar") ? new Response(Bun.file(archive)) : new Response("", { status: 404 }),
    });
    try {
      const url = `http://127.0.0.1:${server.port}`;
      const output = await daemon.ok("import", `${url}/root.tar`, "fetched:v1");
      expect(output).toContain(`Downloading from ${url}/root.tar`);
      expect(output).toMatch(/sha256:[0-9a-f]{64}$/);
      expect(await daemon.ok("run", "--rm", "fetched:v1", "cat", "/src/one")).toBe("one");
      await daemon.ok("rmi", "fetched:v1");
      const missing = await daemon.cli(["import", `${url}/nothing`, "fetched:v1"]);
      expect([missing.exitCode, missing.stderr.includes("404")]).toEqual([1, true]);
    } finally {
      await server.stop(true);
    }
  });

  test("an import that is not a tar is refused and leaves no image", async () => {
    writeFileSync(scratch("garbage.tar"), "this is no archive".repeat(1000));
    const before = await daemon.ok("images", "-aq");
    expect((await daemon.cli(["import", scratch("garbage.tar"), "garbage:v1"])).exitCode).toBe(1);
    expect(await daemon.ok("images", "-aq")).toBe(before);
  });
});
