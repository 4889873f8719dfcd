import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const scratch = (name: string) => join(daemon.directory, name);
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);
const mounted = (path: string) => readFileSync("/proc/self/mountinfo", "utf8").includes(` ${path} `);

describe("binds", () => {
  // A tree with a mount below it, on a mount of its own whose propagation the tests set.
  const tree = () => scratch("tree");
  beforeAll(async () => {
    mkdirSync(tree());
    await mustRun(["mount", "-t", "tmpfs", "tree", tree()]);
    await mustRun(["mount", "--make-private", tree()]);
    mkdirSync(join(tree(), "sub"));
    await mustRun(["mount", "-t", "tmpfs", "sub", join(tree(), "sub")]);
    writeFileSync(join(tree(), "sub/file"), "below");
  });
  afterAll(async () => {
    await mustRun(["umount", "-R", tree()]);
  });
  const bind = (options: string) => `type=bind,src=${tree()},dst=/b${options}`;

  test("show what is mounted below, unless bind-nonrecursive", async () => {
    expect(await run("--mount", bind(""), "busybox", "cat", "/b/sub/file")).toBe("below");
    expect(await run("--mount", bind(",bind-nonrecursive"), "busybox", "ls", "/b/sub")).toBe("");
  });

  test.skipIf(targetIsDockerd)("a read-only one is so below too; bind-recursive=writable is not", async () => {
    // Read-only modes came with Docker 25.
    const touch = (options: string) =>
      daemon.cli(["run", "--rm", "--mount", bind(options), "busybox", "sh", "-c", "touch /b/x; touch /b/sub/x"]);
    expect((await touch(",readonly")).stderr.match(/Read-only file system/g)?.length).toBe(2);
    const writable = await touch(",readonly,bind-recursive=writable");
    expect(writable.stderr.match(/Read-only file system/g)?.length).toBe(1);
    expect(writable.exitCode).toBe(0);
    const forced = await touch(",readonly,bind-recursive=readonly,bind-propagation=rprivate");
    expect(forced.stderr.match(/Read-only file system/g)?.length).toBe(2);
  });

  test("rslave needs a shared mount, and then sees what the host mounts later", async () => {
    const refused = await daemon.cli(["run", "--rm", "-v", `${tree()}:/b:rslave`, "busybox", "true"]);
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain(`${tree()} is mounted on ${tree()} but it is not a shared or slave mount`);
    await mustRun(["mount", "--make-shared", tree()]);
    const name = uniqueName();
    await daemon.ok("run", "-d", "--name", name, "-v", `${tree()}:/b:rslave`, "busybox", "sleep", "60");
    mkdirSync(join(tree(), "late"));
    await mustRun(["mount", "-t", "tmpfs", "late", join(tree(), "late")]);
    writeFileSync(join(tree(), "late/seen"), "yes");
    expect(await daemon.ok("exec", name, "cat", "/b/late/seen")).toBe("yes");
    await daemon.ok("rm", "-f", name);
    await mustRun(["umount", join(tree(), "late")]);
    await mustRun(["mount", "--make-private", tree()]);
  });

  test.skipIf(targetIsDockerd)("CreateMountpoint makes what is missing", async () => {
    // Docker 23.
    const Mounts = [
      { Type: "bind", Source: scratch("made/on/demand"), Target: "/b", BindOptions: { CreateMountpoint: true } },
    ];
    const created = await daemon.api("POST", "/containers/create", { Image: "busybox", HostConfig: { Mounts } });
    expect(created.status).toBe(201);
    expect(existsSync(scratch("made/on/demand"))).toBe(true);
    await daemon.ok("rm", created.json<{ Id: string }>().Id);
  });

  test("a mode word twice, an anonymous volume with a mode, a copy mode for a bind", async () => {
    for (const [volume, text] of [
      ["/tmp:/b:ro,rw", "invalid mode: ro,rw"],
      ["/b:ro", "invalid volume specification: '/b:ro'"],
      [`${uniqueName("v")}:/b:rshared`, "invalid volume specification"],
    ] as const) {
      const refused = await daemon.cli(["create", "-v", volume, "busybox"]);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain(text);
    }
  });

  test("z and Z, cached and delegated change nothing here", async () => {
    expect(await run("-v", `${tree()}:/b:rw,z,cached`, "busybox", "cat", "/b/sub/file")).toBe("below");
    expect(await run("-v", `${tree()}:/b:ro,Z,delegated`, "busybox", "cat", "/b/sub/file")).toBe("below");
  });
});

describe("volumes", () => {
  test.skipIf(targetIsDockerd)("volume-subpath mounts a part, which must be there and inside", async () => {
    // Docker 26.
    const volume = uniqueName("volume");
    await run("-v", `${volume}:/v`, "busybox", "sh", "-c", "mkdir -p /v/a/b; echo inner > /v/a/b/f; ln -s /etc /v/out");
    const mount = (subpath: string) => `type=volume,src=${volume},dst=/m,volume-subpath=${subpath}`;
    expect(await run("--mount", mount("a/b"), "busybox", "cat", "/m/f")).toBe("inner");
    expect(await run("--mount", mount("a/b/f"), "busybox", "cat", "/m")).toBe("inner");
    for (const subpath of ["nope", "out/passwd"]) {
      const refused = await daemon.cli(["run", "--rm", "--mount", mount(subpath), "busybox", "true"]);
      // The docker command takes the sentence for a missing program.
      expect(refused.exitCode).toBeOneOf([125, 127]);
      expect(refused.stderr).toContain("cannot access path");
    }
    const escaped = await daemon.cli(["run", "--rm", "--mount", mount("../x"), "busybox", "true"]);
    expect(escaped.stderr).toContain("subpath must be a relative path within the volume");
    await daemon.ok("volume", "rm", volume);
  });

  test("--mount makes volumes with labels and driver options", async () => {
    const volume = uniqueName("volume");
    await run(
      "--mount",
      `type=volume,src=${volume},dst=/v,volume-label=tier=web,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m`,
      "busybox", "sh", "-c", "grep -q ' /v tmpfs ' /proc/mounts",
    ); // prettier-ignore
    const [document] = JSON.parse(await daemon.ok("volume", "inspect", volume)) as Record<string, unknown>[];
    expect(document).toMatchObject({
      Labels: { tier: "web" },
      Options: { type: "tmpfs", device: "tmpfs", o: "size=1m" },
    });
    await daemon.ok("volume", "rm", volume);
  });

  test("of type none is a bind: mounted at the first use, unmounted after the last, its files kept", async () => {
    const volume = uniqueName("volume");
    mkdirSync(scratch("backing"));
    await daemon.ok(
      "volume",
      "create",
      "-o",
      "type=none",
      "-o",
      "o=bind",
      "-o",
      `device=${scratch("backing")}`,
      volume,
    );
    const mountpoint = await daemon.ok("volume", "inspect", "-f", "{{.Mountpoint}}", volume);
    const [one, two] = [uniqueName(), uniqueName()];
    await daemon.ok(
      "run",
      "-d",
      "--name",
      one,
      "-v",
      `${volume}:/v`,
      "busybox",
      "sh",
      "-c",
      "echo one > /v/f; sleep 60",
    );
    await daemon.ok("run", "-d", "--name", two, "-v", `${volume}:/v`, "busybox", "sleep", "60");
    expect(mounted(mountpoint)).toBe(true);
    await daemon.ok("rm", "-f", one);
    expect(mounted(mountpoint)).toBe(true);
    expect(await daemon.ok("exec", two, "cat", "/v/f")).toBe("one");
    if (!targetIsDockerd) {
      // Docker's own daemon takes its containers with it.
      await daemon.engine.kill();
      await daemon.engine.start();
      expect(await daemon.ok("exec", two, "cat", "/v/f")).toBe("one");
    }
    await daemon.ok("rm", "-f", two);
    expect(mounted(mountpoint)).toBe(false);
    await daemon.ok("volume", "rm", volume);
    expect(readFileSync(scratch("backing/f"), "utf8")).toBe("one\n");
  });

  test("of type overlay shows its directories, and writes to the upper one", async () => {
    const volume = uniqueName("volume");
    for (const name of ["lower", "upper", "work"]) mkdirSync(scratch(`overlay/${name}`), { recursive: true });
    writeFileSync(scratch("overlay/lower/below"), "below\n");
    const directories = ["lower", "upper", "work"].map((name) => `${name}dir=${scratch(`overlay/${name}`)}`).join(",");
    const words = ["type=overlay", "device=overlay", `o=${directories}`].flatMap((option) => ["-o", option]);
    await daemon.ok("volume", "create", ...words, volume);
    expect(await run("-v", `${volume}:/v`, "busybox", "sh", "-c", "cat /v/below; echo above > /v/above")).toBe("below");
    expect(readFileSync(scratch("overlay/upper/above"), "utf8")).toBe("above\n");
    await daemon.ok("volume", "rm", volume);
    expect(existsSync(scratch("overlay/lower/below"))).toBe(true);
  });

  test("a bind of a new directory is filled from the image", async () => {
    const volume = uniqueName("volume");
    mkdirSync(scratch("to-fill"));
    await daemon.ok(
      "volume",
      "create",
      "-o",
      "type=none",
      "-o",
      "o=bind",
      "-o",
      `device=${scratch("to-fill")}`,
      volume,
    );
    expect(await run("-v", `${volume}:/etc`, "busybox", "cat", "/etc/group")).toContain("staff:x:50:");
    expect(existsSync(scratch("to-fill/group"))).toBe(true);
    await daemon.ok("volume", "rm", volume);
  });

  test.each([
    [["-o", "nope=1"], 'invalid option: "nope"'],
    [["-o", "type=nfs"], 'missing required option: "device"'],
    [["-o", "o=bind"], "missing required option"],
    [["-o", "size=10m"], "quota size requested but no quota support"],
  ])("volume create %j is refused", async (words, text) => {
    const refused = await daemon.cli(["volume", "create", ...words, uniqueName("volume")]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(text);
  });

  test("what cannot be mounted is said when a container wants it", async () => {
    const volume = uniqueName("volume");
    await daemon.ok("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", "device=/no/such/directory", volume);
    const refused = await daemon.cli(["run", "--rm", "-v", `${volume}:/v`, "busybox", "true"]);
    // The docker command takes the sentence for a missing program.
    expect(refused.exitCode).toBeOneOf([125, 127]);
    expect(refused.stderr).toContain("failed to mount local volume");
    expect(refused.stderr).toContain("no such file or directory");
    await daemon.ok("volume", "rm", volume);
  });

  test("one letter is no name, and the driver must exist", async () => {
    expect((await daemon.cli(["volume", "create", "x"])).stderr).toContain("volume name is too short");
    const driver = await daemon.cli(["volume", "create", "-d", "no-such-driver", uniqueName("volume")]);
    expect(driver.stderr).toContain('plugin "no-such-driver" not found');
    const used = await daemon.cli([
      "create",
      "--pull",
      "never",
      "--volume-driver",
      "no-such-driver",
      "-v",
      "named:/v",
      "busybox",
    ]);
    expect(used.exitCode).toBe(1);
    expect(used.stderr).toContain('plugin "no-such-driver" not found');
  });

  test("many creates at once make one volume", async () => {
    const name = uniqueName("volume");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => daemon.api("POST", "/v1.41/volumes/create", { Name: name })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect((await daemon.ok("volume", "ls", "-q", "--filter", `name=${name}`)).split("\n")).toEqual([name]);
    await daemon.ok("volume", "rm", name);
  });

  test("a prune takes none from a container that is being created", async () => {
    const create = () =>
      daemon.api("POST", "/v1.41/containers/create", { Image: "busybox", Volumes: { "/etc": {} }, Cmd: ["true"] });
    const prune = () => daemon.api("POST", "/v1.41/volumes/prune");
    const rounds = await Promise.all(
      Array.from({ length: 12 }, async () => (await Promise.all([create(), prune()]))[0]),
    );
    for (const answer of rounds) {
      expect(answer.status).toBe(201);
      const { Id } = answer.json<{ Id: string }>();
      const { Mounts } = await daemon.inspect<{ Mounts: { Source: string }[] }>(Id);
      expect(existsSync(join(Mounts[0]?.Source ?? "", "group"))).toBe(true);
      await daemon.ok("rm", "-v", Id);
    }
  });

  test("system df -v tells their true sizes and users", async () => {
    const [name, user] = [uniqueName("volume"), uniqueName()];
    await daemon.ok(
      "run",
      "--name",
      user,
      "-v",
      `${name}:/v`,
      "busybox",
      "sh",
      "-c",
      "head -c 123456 /dev/zero > /v/f",
    );
    type Usage = { Volumes: { Name: string; UsageData: { Size: number; RefCount: number } }[] };
    const usage = (await daemon.api("GET", "/v1.41/system/df")).json<Usage>();
    expect(usage.Volumes.find((volume) => volume.Name === name)?.UsageData).toEqual({ Size: 123_456, RefCount: 1 });
    await daemon.ok("rm", user);
    await daemon.ok("volume", "rm", name);
  });
});

describe("tmpfs", () => {
  test("options of --tmpfs and of --mount", async () => {
    const output = await run(
      "--tmpfs", "/t:rw,exec,size=1m,uid=7,mode=1750", "--mount", "type=tmpfs,dst=/u,tmpfs-mode=750,readonly",
      "busybox", "sh", "-c", "grep -E ' /(t|u) ' /proc/mounts; stat -c '%u %a' /t",
    ); // prettier-ignore
    const [t = "", u = "", status] = output.split("\n");
    expect(t).toMatch(/^tmpfs \/t tmpfs rw,nosuid,nodev,.*size=1024k.*uid=7/);
    expect(t).not.toContain("noexec");
    expect(u).toMatch(/^tmpfs \/u tmpfs ro,nosuid,nodev,noexec,.*mode=750/);
    expect(status).toBe("7 1750");
  });

  test("what no tmpfs has is refused", async () => {
    const refused = await daemon.cli(["run", "--rm", "--tmpfs", "/t:fast", "busybox", "true"]);
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain('invalid tmpfs option ["fast"]');
  });
});

describe.skipIf(targetIsDockerd)("image mounts", () => {
  // Docker 28.
  test("show an image's files, read-only, the whole or a part", async () => {
    const name = uniqueName();
    const image = `${name}:v1`;
    await daemon.ok("run", "--name", name, "busybox", "sh", "-c", "mkdir -p /data/in; echo hello > /data/in/f");
    await daemon.ok("commit", name, image);
    await daemon.ok("rm", name);
    const mount = `type=image,src=${image},dst=/i`;
    expect(await run("--mount", mount, "busybox", "cat", "/i/data/in/f")).toBe("hello");
    const part = `${mount},image-subpath=data/in`;
    expect(await run("--mount", part, "busybox", "cat", "/i/f")).toBe("hello");
    const written = await daemon.cli(["run", "--rm", "--mount", part, "busybox", "touch", "/i/x"]);
    expect(written.stderr).toContain("Read-only file system");
    const missing = await daemon.cli(["run", "--rm", "--mount", `${mount},image-subpath=nope`, "busybox", "true"]);
    expect(missing.stderr).toContain("cannot access path");

    // It outlives the daemon and the tag.
    const user = uniqueName();
    await daemon.ok("run", "-d", "--name", user, "--mount", part, "busybox", "sleep", "60");
    await daemon.engine.kill();
    await daemon.engine.start();
    expect(await daemon.ok("exec", user, "cat", "/i/f")).toBe("hello");
    const { Mounts } = await daemon.inspect<{ Mounts: Record<string, unknown>[] }>(user);
    expect(Mounts).toMatchObject([{ Type: "image", Destination: "/i", RW: false }]);
    await daemon.ok("rmi", "-f", image);
    await daemon.ok("restart", "-t", "0", user);
    expect(await daemon.ok("exec", user, "cat", "/i/f")).toBe("hello");
    await daemon.ok("rm", "-f", user);
  });

  test("an image that is not there is refused", async () => {
    const refused = await daemon.cli([
      "create",
      "--pull",
      "never",
      "--mount",
      "type=image,src=no-such-image,dst=/i",
      "busybox",
    ]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("No such image: no-such-image");
  });
});

test("a file of the host is mounted with its mode", async () => {
  writeFileSync(scratch("script"), "#!/bin/sh\necho ran\n");
  chmodSync(scratch("script"), 0o755);
  expect(await run("-v", `${scratch("script")}:/script:ro`, "busybox", "/script")).toBe("ran");
});
