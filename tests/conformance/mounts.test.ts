import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const scratch = (name: string) => join(daemon.directory, name);
const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);

describe("bind mounts", () => {
  test("-v shows the host's files, both ways", async () => {
    mkdirSync(scratch("bind"));
    writeFileSync(scratch("bind/from-host"), "host");
    expect(
      await run("-v", `${scratch("bind")}:/b`, "busybox", "sh", "-c", "cat /b/from-host; echo ctr > /b/from-container"),
    ).toBe("host");
    expect(readFileSync(scratch("bind/from-container"), "utf8")).toBe("ctr\n");
  });

  test(":ro refuses writes", async () => {
    mkdirSync(scratch("ro"));
    const result = await daemon.cli(["run", "--rm", "-v", `${scratch("ro")}:/b:ro`, "busybox", "touch", "/b/x"]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain("Read-only file system");
    expect(existsSync(scratch("ro/x"))).toBe(false);
  });

  test("a single file", async () => {
    writeFileSync(scratch("file"), "content");
    expect(await run("-v", `${scratch("file")}:/etc/one-file:ro`, "busybox", "cat", "/etc/one-file")).toBe("content");
  });

  test("-v makes a missing host directory, --mount does not", async () => {
    await run("-v", `${scratch("made/for/me")}:/b`, "busybox", "true");
    expect(statSync(scratch("made/for/me")).isDirectory()).toBe(true);
    const refused = await daemon.cli([
      "run",
      "--rm",
      "--mount",
      `type=bind,src=${scratch("not-made")},dst=/b`,
      "busybox",
      "true",
    ]);
    expect(refused.exitCode).toBe(125);
    expect(refused.stderr).toContain(`bind source path does not exist: ${scratch("not-made")}`);
  });

  test("--mount type=bind,readonly", async () => {
    mkdirSync(scratch("mount-ro"));
    const result = await daemon.cli([
      "run",
      "--rm",
      "--mount",
      `type=bind,src=${scratch("mount-ro")},dst=/b,readonly`,
      "busybox",
      "touch",
      "/b/x",
    ]);
    expect(result.exitCode).toBe(1);
  });

  test("a symbolic link in the image does not lead a mount out of the root", async () => {
    const name = uniqueName();
    await daemon.ok("run", "--name", name, "busybox", "ln", "-s", "/../../../../../../tmp", "/link");
    await daemon.ok("commit", name, "with-link:v1");
    await daemon.ok("rm", name);
    mkdirSync(scratch("linked"));
    writeFileSync(scratch("linked/seen"), "yes");
    expect(await run("-v", `${scratch("linked")}:/link/inner`, "with-link:v1", "cat", "/tmp/inner/seen")).toBe("yes");
    expect(existsSync("/tmp/inner")).toBe(false);
    await daemon.ok("rmi", "with-link:v1");
  });

  test("inspect lists the mounts", async () => {
    const name = uniqueName();
    await daemon.ok(
      "create",
      "--name",
      name,
      "-v",
      `${scratch("bind")}:/b:ro`,
      "-v",
      "named-for-inspect:/n",
      "--tmpfs",
      "/t",
      "busybox",
    );
    const { Mounts } = await daemon.inspect<{
      Mounts: { Type: string; Destination: string; RW: boolean; Name?: string; Source: string }[];
    }>(name);
    expect(Mounts.toSorted((a, b) => a.Destination.localeCompare(b.Destination))).toMatchObject([
      { Type: "bind", Destination: "/b", RW: false, Source: scratch("bind") },
      { Type: "volume", Destination: "/n", RW: true, Name: "named-for-inspect" },
    ]);
    await daemon.ok("rm", name);
    await daemon.ok("volume", "rm", "named-for-inspect");
  });
});

describe("volumes", () => {
  test("are created, listed, inspected, removed", async () => {
    const name = uniqueName("volume");
    expect(await daemon.ok("volume", "create", "--label", "a=b", name)).toBe(name);
    expect(await daemon.ok("volume", "create", "--label", "a=b", name)).toBe(name);
    expect((await daemon.ok("volume", "ls", "-q", "--filter", "label=a=b")).split("\n")).toEqual([name]);
    expect(await daemon.ok("volume", "ls")).toMatch(/^DRIVER +VOLUME NAME\n/);
    const [volume] = JSON.parse(await daemon.ok("volume", "inspect", name)) as Record<string, unknown>[];
    expect(volume).toMatchObject({ Name: name, Driver: "local", Scope: "local", Labels: { a: "b" } });
    expect(existsSync(volume?.["Mountpoint"] as string)).toBe(true);
    expect(await daemon.ok("volume", "rm", name)).toBe(name);
    expect((await daemon.cli(["volume", "inspect", name])).exitCode).toBe(1);
    expect((await daemon.cli(["volume", "rm", name])).stderr).toMatch(/no such volume/i);
  });

  test("keep data over containers and are shared", async () => {
    const name = uniqueName("volume");
    await run("-v", `${name}:/data`, "busybox", "sh", "-c", "echo kept > /data/file");
    expect(await run("-v", `${name}:/other`, "busybox", "cat", "/other/file")).toBe("kept");
    await daemon.ok("volume", "rm", name);
  });

  test("a new volume is filled from the image, unless nocopy, and only when empty", async () => {
    const [filled, empty] = [uniqueName("volume"), uniqueName("volume")];
    expect(await run("-v", `${filled}:/etc`, "busybox", "cat", "/etc/group")).toContain("staff:x:50:");
    await run("-v", `${filled}:/v`, "busybox", "sh", "-c", "rm /v/group; echo mine > /v/mine");
    expect(await run("-v", `${filled}:/etc`, "busybox", "sh", "-c", "ls /etc/group 2>/dev/null; cat /etc/mine")).toBe(
      "mine",
    );
    expect(
      (await daemon.cli(["run", "--rm", "-v", `${empty}:/home:nocopy`, "busybox", "ls", "-A", "/home"])).stdout,
    ).toBe("");
    await daemon.ok("volume", "rm", filled, empty);
  });

  test("in use, a volume is not removed, and the user is named", async () => {
    const volume = uniqueName("volume");
    const id = await daemon.ok("create", "-v", `${volume}:/v`, "busybox");
    const refused = await daemon.cli(["volume", "rm", volume]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("volume is in use");
    expect(refused.stderr).toContain(id);
    await daemon.ok("rm", id);
    await daemon.ok("volume", "rm", volume);
  });

  test("--volumes-from takes another container's", async () => {
    const [name, volume] = [uniqueName(), uniqueName("volume")];
    await daemon.ok("run", "--name", name, "-v", `${volume}:/v`, "busybox", "sh", "-c", "echo shared > /v/f");
    expect(await run("--volumes-from", name, "busybox", "cat", "/v/f")).toBe("shared");
    const refused = await daemon.cli(["run", "--rm", "--volumes-from", `${name}:ro`, "busybox", "touch", "/v/x"]);
    expect(refused.exitCode).toBe(1);
    await daemon.ok("rm", name);
    await daemon.ok("volume", "rm", volume);
  });

  test("prune removes unused anonymous ones, -a all unused", async () => {
    const named = uniqueName("volume");
    await daemon.ok("volume", "create", named);
    const id = await daemon.ok("create", "-v", "/anonymous", "busybox");
    await daemon.ok("rm", id);
    await daemon.ok("volume", "prune", "-f");
    const left = await daemon.ok("volume", "ls", "-q");
    if (!targetIsDockerd) expect(left).toContain(named); // before API 1.42 named ones were pruned too
    await daemon.ok("volume", "prune", "-f", ...(targetIsDockerd ? [] : ["-a"]));
    expect(await daemon.ok("volume", "ls", "-q")).toBe("");
  });

  test("a bad name is refused", async () => {
    expect((await daemon.cli(["volume", "create", "../up"])).exitCode).toBe(1);
    expect((await daemon.cli(["run", "--rm", "-v", "a b:/x", "busybox", "true"])).exitCode).toBe(125);
  });

  test("a local volume with mount options is mounted while it is used", async () => {
    const volume = uniqueName("volume");
    await daemon.ok("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m", volume);
    expect(await run("-v", `${volume}:/v`, "busybox", "df", "-k", "/v")).toContain("1024");
    await daemon.ok("volume", "rm", volume);
  });
});

describe("tmpfs and read-only roots", () => {
  test("--tmpfs with options, --mount type=tmpfs", async () => {
    const output = await run(
      "--tmpfs",
      "/t:size=2m,mode=700",
      "--mount",
      "type=tmpfs,dst=/u,tmpfs-size=3m",
      "busybox",
      "sh",
      "-c",
      "df -k /t /u; stat -c %a /t",
    );
    expect(output).toContain("2048");
    expect(output).toContain("3072");
    expect(output).toEndWith("700");
  });

  test("--read-only makes the root read-only and leaves mounts writable", async () => {
    const output = await daemon.cli([
      "run", "--rm", "--read-only", "--tmpfs", "/t", "-v", "/v", "busybox", "sh", "-c", "touch /x; touch /t/x /v/x /dev/shm/x && echo fine",
    ]); // prettier-ignore
    expect(output.stdout).toBe("fine\n");
    expect(output.stderr).toContain("Read-only file system");
  });

  test("two mounts on one path are refused", async () => {
    const result = await daemon.cli(["run", "--rm", "-v", "/tmp:/x", "-v", "/var:/x", "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain("Duplicate mount point: /x");
  });

  test.each([
    ["relative", ["-v", "rel/path:/x"], "includes invalid characters"],
    ["relative target", ["-v", "/tmp:x"], "mount path must be absolute"],
    ["root", ["-v", "/tmp:/"], "can't be '/'"],
    ["mode", ["-v", "/tmp:/x:sideways"], "invalid mode"],
  ])("an invalid mount (%s) is refused", async (_name, words, text) => {
    const result = await daemon.cli(["run", "--rm", ...words, "busybox", "true"]);
    expect(result.exitCode).toBe(125);
    expect(result.stderr).toContain(text);
  });

  test("mounts nest: a volume inside a bind", async () => {
    mkdirSync(scratch("outer/inner"), { recursive: true });
    expect(
      await run(
        "-v",
        "nested-inner:/o/inner",
        "-v",
        `${scratch("outer")}:/o`,
        "busybox",
        "sh",
        "-c",
        "touch /o/inner/x; ls /o/inner",
      ),
    ).toBe("x");
    expect(existsSync(scratch("outer/inner/x"))).toBe(false);
    await daemon.ok("volume", "rm", "nested-inner");
  });
});
