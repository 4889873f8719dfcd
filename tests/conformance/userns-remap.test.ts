import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { mustRun, runCommand } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * Moby's integration-cli/docker_cli_userns_test.go and integration/build/build_userns_linux_test.go, and what else users
 * have of `--userns-remap`.
 */

/** The containers' root. */
const uid = 700_000;
const gid = 800_000;
/** Ids that an image may use. */
const idCount = 65_536;

/** A mount namespace in which the user `daemon`, which every distribution has, has subordinate ids. */
const place = mkdtempSync(join(tmpdir(), "berth-userns-"));
const namespace = join(place, "namespace");

beforeAll(async () => {
  // nsfs is only bound where mounts are private (unshare(1), --mount=file).
  await mustRun(["mount", "--bind", place, place]);
  await mustRun(["mount", "--make-private", place]);
  writeFileSync(namespace, "");
  for (const name of ["upper", "work"]) mkdirSync(join(place, name));
  writeFileSync(join(place, "upper", "subuid"), `daemon:${uid}:${idCount}\n`);
  writeFileSync(join(place, "upper", "subgid"), `daemon:${gid}:${idCount}\n`);
  // A machine with Docker may have the user that a test makes.
  for (const name of ["passwd", "group", "shadow", "gshadow"]) {
    const lines = readFileSync(`/etc/${name}`, "utf8").split("\n");
    writeFileSync(join(place, "upper", name), lines.filter((line) => !line.startsWith("dockremap:")).join("\n"));
  }
  const layers = `lowerdir=/etc,upperdir=${place}/upper,workdir=${place}/work`;
  await mustRun(["unshare", `--mount=${namespace}`, "mount", "-t", "overlay", "overlay", "-o", layers, "/etc"]);
});

const daemon = useDaemon({
  flags: ["--userns-remap", "daemon"],
  mountNamespace: namespace,
  remappedTo: `${uid}.${gid}`,
});

afterAll(async () => {
  await mustRun(["umount", namespace]);
  await mustRun(["umount", place]);
  rmSync(place, { recursive: true });
});

const run = (...words: string[]) => daemon.ok("run", "--rm", ...words);
const sh = (script: string, ...options: string[]) => run(...options, "busybox", "sh", "-c", script);

async function refusal(...words: string[]): Promise<string> {
  const result = await daemon.cli(["run", "--rm", ...words]);
  expect(result.exitCode).toBe(125);
  return result.stderr;
}

/** Who a file belongs to, on the host. */
function ownerOf(path: string): string {
  const status = statSync(path);
  return `${status.uid}:${status.gid}`;
}

type TarMember = {
  readonly path: string;
  readonly uid?: number;
  readonly bytes?: Uint8Array;
  readonly capability?: Buffer;
};

function tarOf(...members: readonly TarMember[]): Buffer {
  const pieces = members.flatMap(({ path, bytes = new Uint8Array(), ...member }) => [
    encodeTarHeader({
      ...plainTarHeader({ path, type: "file", mode: 0o755, uid: member.uid ?? 0, gid: 0, sizeBytes: bytes.length }),
      attributes: new Map(member.capability === undefined ? [] : [["security.capability", member.capability]]),
    }),
    bytes,
    new Uint8Array(tarPaddingOf(bytes.length)),
  ]);
  return Buffer.concat([...pieces, tarEnd]);
}

/** A file for the client, which sees the host's directories. */
function fileOf(name: string, bytes: Uint8Array | string): string {
  const path = join(daemon.directory, name);
  writeFileSync(path, bytes);
  return path;
}

async function build(dockerfile: string): Promise<string> {
  const directory = mkdtempSync(join(daemon.directory, "context-"));
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  writeFileSync(join(directory, "file"), "of the context\n");
  const tag = uniqueName("userns");
  await daemon.ok("build", "-q", "-t", tag, directory);
  return tag;
}

describe("containers with remapped ids", () => {
  const runtimes = targetIsDockerd ? ["runc"] : ["crun", "runc"];

  test.each(runtimes)("are root inside and somebody else outside (%s)", async (runtime) => {
    const name = uniqueName("userns");
    const mine = join(daemon.directory, `mine-${runtime}`);
    const missing = join(daemon.directory, `missing-${runtime}`, "below");
    mkdirSync(mine);
    chownSync(mine, uid, gid);
    await daemon.ok(
      ..."run -d --init --runtime".split(" "),
      runtime,
      "--name",
      name,
      "-v",
      `${mine}:/mine`,
      "-v",
      `${missing}:/missing`,
      ..."busybox sh -c".split(" "),
      "touch /mine/file /missing/file; sleep 1000",
    );
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    expect(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual(["0", `${uid}`, `${idCount}`]);
    expect(readFileSync(`/proc/${pid}/gid_map`, "utf8").trim().split(/\s+/)).toEqual(["0", `${gid}`, `${idCount}`]);
    expect(await daemon.ok("exec", name, "sh", "-c", "id -u; stat -c %u:%g / /bin /mine/file /missing")).toBe(
      ["0", "0:0", "0:0", "0:0", "0:0"].join("\n"),
    );
    for (const path of [join(mine, "file"), missing, join(missing, ".."), join(missing, "file")]) {
      expect(ownerOf(path)).toBe(`${uid}:${gid}`);
    }
    expect((await daemon.ok("top", name, "-eo", "uid,pid,args")).split("\n")[1]).toStartWith(`${uid} `);
    await daemon.ok(
      "exec",
      name,
      "sh",
      "-c",
      "echo x > /dev/stdout; echo 127.0.0.9 own >> /etc/hosts; test -w /sys/class/net || true",
    );
    expect(await daemon.ok("exec", "-t", name, "tty")).toContain("/dev/pts/");
    await daemon.ok("pause", name);
    await daemon.ok("unpause", name);
    await daemon.ok("restart", "-t", "0", name);
    expect(await daemon.ok("exec", "-u", "5:6", name, "sh", "-c", "id -u; id -g; echo own > /dev/stderr")).toBe("5\n6");
    await daemon.ok("rm", "-f", name);
  });

  // Docker's runtime shows nobody's devices, and no others than under the host's names.
  test.skipIf(targetIsDockerd).each(runtimes)("have devices of their own (%s)", async (runtime) => {
    const script = "stat -c '%U %t:%T' /dev/below/other; echo x > /dev/below/other && echo written";
    const device = "/dev/null:/dev/below/other";
    expect(await sh(script, "--runtime", runtime, "--device", device)).toBe("root 1:3\nwritten");
  });

  test("info says so, and the data root is another", async () => {
    const { SecurityOptions, DockerRootDir } = (await daemon.api("GET", "/info")).json<{
      SecurityOptions: string[];
      DockerRootDir: string;
    }>();
    expect(SecurityOptions).toContain("name=userns");
    expect(DockerRootDir).toBe(daemon.engine.dataRoot);
    expect(statSync(daemon.engine.dataRoot).mode & 0o777).toBe(0o710);
  });

  test("have a network of their own with names and published ports", async () => {
    const network = uniqueName("net");
    await daemon.ok("network", "create", network);
    const server = uniqueName("server");
    const page = "mkdir /w; echo page > /w/index.html; httpd -f -h /w";
    await daemon.ok(
      "run",
      "-d",
      "--network",
      network,
      "-p",
      "127.0.0.1::80",
      "--name",
      server,
      "busybox",
      "sh",
      "-c",
      page,
    );
    const get = `until wget -qO- http://${server}/; do :; done; ls /sys/class/net`;
    expect(await sh(get, "--network", network)).toBe("page\neth0\nlo");
    const address = await daemon.ok("port", server, "80");
    if (!targetIsDockerd) expect(await (await fetch(`http://${address}/`)).text()).toBe("page\n");
    expect(await sh("sysctl -n net.core.somaxconn", "--sysctl", "net.core.somaxconn=99")).toBe("99");
    await daemon.ok("rm", "-f", server);
  });

  test("refuse what needs the host's namespaces, in Docker's words", async () => {
    expect(await refusal("--privileged", "busybox", "true")).toMatch(
      /privileged mode is incompatible with user namespaces\. {2}You must run the container in the host namespace/,
    );
    expect(await refusal("--network", "host", "busybox", "true")).toContain(
      "cannot share the host's network namespace when user namespaces are enabled",
    );
    expect(await refusal("--pid", "host", "busybox", "true")).toContain(
      "cannot share the host PID namespace when user namespaces are enabled",
    );
  });

  test("--userns=host is the host's root on the same, shifted files", async () => {
    expect(await sh("cat /proc/self/uid_map; stat -c %u:%g /bin", "--userns", "host")).toMatch(
      new RegExp(`^\\s+0\\s+0\\s+4294967295\\n${uid}:${gid}$`),
    );
    // Docker's privileged containers want more than a test machine may have.
    const privileged = targetIsDockerd ? [] : ["--privileged"];
    expect(await sh("stat -c %u /proc/1", "--userns=host", "--network=host", "--pid=host", ...privileged)).toBe("0");
    const name = uniqueName("host");
    await daemon.ok("run", "-d", "--userns", "host", "--name", name, "busybox", "sleep", "1000");
    expect((await daemon.ok("top", name, "-eo", "uid,pid")).split("\n")[1]).toMatch(/^0 /);
    const { HostConfig } = await daemon.inspect<{ HostConfig: { UsernsMode: string } }>(name);
    expect(HostConfig.UsernsMode).toBe("host");
    await daemon.ok("rm", "-f", name);
  });

  test("join each other's namespaces within one user namespace only", async () => {
    const [remapped, host] = [uniqueName("remapped"), uniqueName("host")];
    await daemon.ok("run", "-d", "--ipc", "shareable", "--name", remapped, "busybox", "sleep", "1000");
    const all = ["--network", "--ipc", "--pid"].flatMap((flag) => [flag, `container:${remapped}`]);
    const script = "readlink /proc/1/ns/user; readlink /proc/self/ns/user; touch /dev/shm/mine";
    const [one, other] = (await sh(script, ...all)).split("\n");
    expect(one).toBe(other as string);
    if (!targetIsDockerd) {
      await daemon.ok("run", "-d", "--userns", "host", "--name", host, "busybox", "sleep", "1000");
      expect(await refusal("--network", `container:${host}`, "busybox", "true")).toContain("another user namespace");
      // The host's queues are not theirs to mount.
      expect(await sh("test -d /dev/shm && echo shared", "--ipc", "host")).toBe("shared");
      await daemon.ok("rm", "-f", host);
    }
    await daemon.ok("rm", "-f", remapped);
  });
});

describe("files with remapped ids", () => {
  test("an image's volume is filled with owners as they are inside", async () => {
    const tag = await build(
      "FROM busybox\nRUN mkdir /data && echo 1 > /data/file && chown -R 3:4 /data\nVOLUME /data\n",
    );
    const volume = uniqueName("volume");
    expect(await run("-v", `${volume}:/data`, tag, "sh", "-c", "touch /data/new; stat -c %u:%g /data /data/*")).toBe(
      "3:4\n3:4\n0:0",
    );
    const directory = await daemon.ok("volume", "inspect", "-f", "{{.Mountpoint}}", volume);
    expect([directory, join(directory, "file"), join(directory, "new")].map(ownerOf)).toEqual([
      `${uid + 3}:${gid + 4}`,
      `${uid + 3}:${gid + 4}`,
      `${uid}:${gid}`,
    ]);
    await daemon.ok("volume", "rm", volume);
  });

  test("builds give them to whom the Dockerfile says, and images carry the ids of the inside", async () => {
    const tag = await build(
      [
        "FROM busybox AS first",
        "RUN touch /made && chown 5:6 /made && cat /proc/self/uid_map > /map && echo app:x:77:78::/:/bin/sh >> /etc/passwd",
        "FROM first",
        "COPY file /plain",
        "COPY --chown=12:13 file /deep/er/owned",
        // Docker's classic builder forgets that what it copies is shifted already.
        ...(targetIsDockerd ? [] : ["COPY --from=first /made /copied"]),
        "USER app",
        "RUN id -u > /tmp/user",
      ].join("\n"),
    );
    const owners = await run(tag, "stat", "-c", "%u:%g", "/made", "/plain", "/deep/er/owned", "/tmp/user");
    expect(owners.split("\n")).toEqual(["5:6", "0:0", "12:13", "77:78"]);
    if (!targetIsDockerd) expect(await run(tag, "stat", "-c", "%u:%g", "/copied")).toBe("5:6");
    expect((await run(tag, "cat", "/map")).trim().split(/\s+/)).toEqual(["0", `${uid}`, `${idCount}`]);
    const archive = join(daemon.directory, "saved.tar");
    await daemon.ok("save", "-o", archive, tag);
    await daemon.ok("rmi", "-f", tag);
    await daemon.ok("load", "-q", "-i", archive);
    expect((await run(tag, "stat", "-c", "%u:%g", "/made", "/plain")).split("\n")).toEqual(["5:6", "0:0"]);
    const name = uniqueName("export");
    await daemon.ok("create", "--name", name, tag);
    await daemon.ok("export", "-o", join(daemon.directory, "export.tar"), name);
    const listed = await mustRun([
      "tar",
      "--numeric-owner",
      "-tvf",
      join(daemon.directory, "export.tar"),
      "made",
      "plain",
    ]);
    expect(listed.split("\n").map((line) => line.split(/\s+/)[1])).toEqual(["5/6", "0/0"]);
    await daemon.ok("rm", name);
  });

  test("cp goes both ways, and commit keeps what --userns=host made", async () => {
    const name = uniqueName("copy");
    await daemon.ok(
      "create",
      "--userns",
      "host",
      "--name",
      name,
      "busybox",
      "sh",
      "-c",
      "touch /hosts-root; chown 9:9 /own",
    );
    await daemon.ok("cp", fileOf("own", "text"), `${name}:/own`);
    await daemon.ok("start", "-a", name);
    const image = uniqueName("committed");
    await daemon.ok("cp", `${name}:/own`, join(daemon.directory, "back"));
    expect(readFileSync(join(daemon.directory, "back"), "utf8")).toBe("text");
    await daemon.ok("commit", name, image);
    // Docker leaves files of the host's own users out of the image.
    if (!targetIsDockerd) expect(await run(image, "stat", "-c", "%u:%g", "/own", "/hosts-root")).toBe("9:9\n0:0");
    await daemon.ok("rm", name);
  });

  test("capabilities of files hold inside, and leave as they came", async () => {
    // cap_net_raw+ei, revision 2.
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
    const plain = uniqueName("plain");
    await daemon.ok("create", "--name", plain, "busybox");
    await daemon.ok("cp", `${plain}:/bin/busybox`, join(daemon.directory, "busybox"));
    await daemon.ok("rm", plain);
    const bytes = readFileSync(join(daemon.directory, "busybox"));
    const image = uniqueName("capabilities");
    await daemon.ok("import", fileOf("capabilities.tar", tarOf({ path: "busybox", bytes, capability })), image);
    const name = uniqueName("capabilities");
    await daemon.ok("create", "--name", name, image, "/busybox");
    const exported = join(daemon.directory, "capabilities-export.tar");
    await daemon.ok("export", "-o", exported, name);
    expect(readFileSync(exported).includes(capability)).toBe(true);
    await daemon.ok("rm", name);
    // Docker sets them in the name of the host's root, for whom they do not count inside.
    if (targetIsDockerd) return;
    const effective = await run("-u", "1000", image, "/busybox", "grep", "CapEff", "/proc/self/status");
    expect(effective).toMatch(/0000000000002000$/);
  });

  test("ids that containers have no room for are an error that leaves nothing", async () => {
    const refused = await daemon.cli(["import", fileOf("far.tar", tarOf({ path: "far", uid: idCount })), "far"]);
    expect(refused.exitCode).not.toBe(0);
    expect(`${refused.stdout}${refused.stderr}`).toContain(`Container ID ${idCount} cannot be mapped to a host ID`);
    expect(await daemon.ok("images", "-q", "far")).toBe("");
  });
});

describe.skipIf(targetIsDockerd)("a daemon with remapped ids", () => {
  /** What a daemon says that cannot start. */
  async function failure(remap: string): Promise<string> {
    const closed = join(place, "closed");
    mkdirSync(closed, { recursive: true, mode: 0o700 });
    const roots = ["--data-root", join(closed, "data"), "--exec-root", join(closed, "exec"), "--userns-remap", remap];
    const command = ["nsenter", `--mount=${namespace}`, berthBinary, "daemon", ...roots];
    const { exitCode, stderr } = await runCommand(command);
    expect(exitCode).toBe(1);
    expect(readdirSync(closed)).toEqual([]);
    return stderr;
  }

  test("refuses users that are not there, and roots that containers could not reach", async () => {
    expect(await failure("nobody-of-that-name")).toContain("no matching entries in passwd file");
    expect(await failure("2147483000")).toContain("uid 2147483000 has no entry in /etc/passwd");
    expect(await failure("a:b:c")).toContain("invalid user/group specification in --userns-remap");
    expect(await failure("daemon")).toContain("restricts access to the remapped root uid/gid");
  });

  test("makes the user dockremap with the first free ids for --userns-remap default", async () => {
    await failure("default");
    const read = (file: string) => mustRun(["nsenter", `--mount=${namespace}`, "cat", `/etc/${file}`]);
    expect(await read("passwd")).toMatch(/^dockremap:/m);
    expect(await read("group")).toMatch(/^dockremap:/m);
    for (const file of ["subuid", "subgid"]) expect(await read(file)).toMatch(/^dockremap:100000:65536$/m);
    await failure("default");
    expect((await read("subuid")).match(/dockremap/g)).toHaveLength(1);
  });

  test("takes its containers over when it is started again", async () => {
    const name = uniqueName("kept");
    await daemon.ok("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const pid = await daemon.ok("inspect", "-f", "{{.State.Pid}}", name);
    await daemon.engine.kill();
    await daemon.engine.start();
    expect(await daemon.ok("inspect", "-f", "{{.State.Pid}}", name)).toBe(pid);
    expect(await daemon.ok("exec", name, "id", "-u")).toBe("0");
    await daemon.ok("rm", "-f", name);
  });
});
