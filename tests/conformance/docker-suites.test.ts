// What Docker's own suites (moby's integration-cli and integration, docker-py's) hold a daemon to, and nothing else here does.
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, mustRun } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

const message = async (method: string, path: string, body?: unknown) => {
  const answer = await daemon.api(method, path, body);
  return `${answer.status} ${answer.json<{ message: string }>().message}`;
};

/** Events between two moments, one a line. */
const eventsSince = async (since: string, ...words: string[]) => {
  const until = String(Date.now() / 1000);
  const format = "{{.Type}} {{.Action}} {{json .Actor.Attributes}}";
  const text = await daemon.ok("events", "--since", since, "--until", until, "--format", format, ...words);
  return text === "" ? [] : text.split("\n");
};
const now = () => String(Date.now() / 1000);

describe("names that are missing", () => {
  test.each([
    ["containers", '400 invalid name or ID supplied: ""'],
    ["images", "400 image name cannot be blank"],
    ["networks", "400 network  is ambiguous (3 matches found based on ID prefix)"],
    ["volumes", "404 get: no such volume"],
  ])("DELETE /%s/", async (kind, expected) => {
    expect(await message("DELETE", `/v1.41/${kind}/`)).toBe(expected);
  });

  test("a reference that is in use is named as it was asked for", async () => {
    const name = uniqueName("user");
    await daemon.ok("create", "--name", name, "busybox");
    const refused = await daemon.cli(["rmi", "busybox"]);
    expect(refused.stderr).toContain('unable to remove repository reference "busybox" (must force) - container ');
    await daemon.ok("rm", name);
  });
});

describe("ps", () => {
  test("names come in order, and a network is found by the beginning of its id", async () => {
    const [first, second, third] = [uniqueName("b"), uniqueName("c"), uniqueName("a")];
    await daemon.ok("run", "-d", "--name", first, "busybox", "top");
    await daemon.ok("run", "-d", "--name", second, "--link", `${first}:x`, "busybox", "top");
    await daemon.ok("run", "-d", "--name", third, "--link", `${first}:y`, "busybox", "top");
    const list = (await daemon.api("GET", `/containers/json?filters={"name":["^/${first}$"]}`)).json<
      readonly { Names: readonly string[] }[]
    >();
    expect(list[0]?.Names).toEqual([`/${third}/y`, `/${first}`, `/${second}/x`]);
    const network = (await daemon.inspect<{ Id: string }>("bridge")).Id;
    const found = await daemon.ok("ps", "--filter", `network=${network.slice(0, 12)}`, "--format", "{{.Names}}");
    expect(found.split("\n")).toContain(second);
    await daemon.ok("rm", "-f", first, second, third);
  });
});

describe("events", () => {
  test("of a commit, an import and a build tell of the name that was given, with the image's labels", async () => {
    const name = uniqueName("committed");
    const since = now();
    await daemon.ok("create", "--name", name, "--label", "suite=docker", "busybox");
    await daemon.ok("commit", name, `${name}:v1`);
    const tagged = `image tag {"name":"${name}:v1","suite":"docker"}`;
    const seen = await eventsSince(since, "--filter", `label=suite=docker`);
    expect(seen.slice(0, 2)).toEqual([
      `container create {"image":"busybox","name":"${name}","suite":"docker"}`,
      tagged,
    ]);
    expect(seen[2]).toMatch(/^container commit \{"comment":"",.*"imageRef":"committed-[^"/]*:v1"/);
    const built = await daemon.cli(["build", "-t", `${name}:built`, "-"], {
      input: "FROM busybox\nLABEL suite=docker\n",
    });
    expect(built.exitCode).toBe(0);
    expect(await eventsSince(since, "--filter", "label=suite=docker", "--filter", "type=image")).toEqual([
      tagged,
      `image tag {"name":"${name}:built","suite":"docker"}`,
    ]);
    const archive = await daemon.cli(["import", "-", `${name}:imported`], { input: new Uint8Array(10_240) });
    const imported = await eventsSince(since, "--filter", "type=image", "--filter", `image=${name}`);
    expect(archive.exitCode).toBe(0);
    expect(imported.at(-1)).toBe(`image tag {"name":"${name}:imported"}`);
    await daemon.ok("rm", name);
    await daemon.ok("rmi", `${name}:v1`, `${name}:built`, `${name}:imported`);
  });

  test("of an anonymous volume end with its removal", async () => {
    const since = now();
    await daemon.ok("run", "--rm", "-v", "/anonymous", "busybox", "true");
    const actions = (await eventsSince(since, "--filter", "type=volume")).map((line) => line.split(" ")[1]);
    expect(actions).toEqual(["create", "mount", "unmount", "destroy"]);
  });

  test("of a command without arguments are written as Docker writes them; filters for what a swarm has show none", async () => {
    const name = uniqueName("commands");
    const since = now();
    await daemon.ok("run", "-d", "--name", name, "busybox", "top");
    await daemon.ok("exec", name, "true");
    await daemon.ok("cp", `${name}:/etc/passwd`, "-");
    const seen = await eventsSince(since, "--filter", `container=${name}`);
    expect(seen.filter((line) => line.includes("exec_create")).map((line) => line.split("{")[0])).toEqual([
      "container exec_create: true  ",
    ]);
    expect(seen.at(-1)).toBe(`container archive-path {"image":"busybox","name":"${name}"}`);
    for (const key of ["plugin", "service", "node", "secret", "config"])
      expect(await eventsSince(since, "--filter", `${key}=x`)).toEqual([]);
    await daemon.ok("rm", "-f", name);
  });
});

test("commit of a container that ends meanwhile", async () => {
  for (let turn = 0; turn < 3; turn++) {
    const { Id } = (await daemon.api("POST", "/containers/create", { Image: "busybox", Cmd: ["true"] })).json<{
      Id: string;
    }>();
    expect((await daemon.api("POST", `/containers/${Id}/start`)).status).toBe(204);
    const committed = await daemon.api("POST", `/commit?container=${Id}&pause=1`);
    expect([committed.status, committed.text]).toEqual([201, expect.stringContaining("sha256:")]);
    await eventually("the end", async () => (await daemon.ok("inspect", "-f", "{{.State.Status}}", Id)) === "exited");
    await daemon.ok("rm", Id);
    await daemon.ok("rmi", committed.json<{ Id: string }>().Id);
  }
});

test("a subnet of a family the network does not have is kept, and an address in it may be asked for", async () => {
  const name = uniqueName("idle");
  await daemon.ok("network", "create", "--subnet", "2001:db8:77::/64", name);
  const network = await daemon.inspect<{ EnableIPv6: boolean; IPAM: { Config: readonly { Subnet: string }[] } }>(name);
  expect(network.EnableIPv6).toBe(false);
  expect(network.IPAM.Config.map(({ Subnet }) => Subnet).at(-1)).toBe("2001:db8:77::/64");
  const container = uniqueName("idle");
  await daemon.ok("run", "-d", "--name", container, "--network", name, "--ip6", "2001:db8:77::f00d", "busybox", "top");
  const place = `{{with index .NetworkSettings.Networks "${name}"}}{{.IPAMConfig.IPv6Address}} [{{.GlobalIPv6Address}}]{{end}}`;
  expect(await daemon.ok("inspect", "-f", place, container)).toBe("2001:db8:77::f00d []");
  await daemon.ok("rm", "-f", container);
  await daemon.ok("network", "rm", name);
});

test.if(!targetIsDockerd)("docker-py's low-level client puts the runtime beside the host configuration", async () => {
  const body = { Image: "busybox", Runtime: "nosuch" };
  expect(await message("POST", "/containers/create", body)).toContain("nosuch");
});

test("the container whose network is joined may come after the one that joins it", async () => {
  const [target, name] = [uniqueName("later"), uniqueName("joins")];
  await daemon.ok("create", "--name", name, "--network", `container:${target}`, "busybox", "true");
  const refused = await daemon.cli(["start", name]);
  expect(refused.stderr).toContain(`No such container: ${target}`);
  expect(await daemon.ok("inspect", "-f", "{{.State.Status}} {{.HostConfig.NetworkMode}}", name)).toBe(
    `created container:${target}`,
  );
  await daemon.ok("run", "-d", "--name", target, "busybox", "top");
  await daemon.ok("start", "-a", name);
  await daemon.ok("rm", "-f", target, name);
  for (const mode of ["--pid", "--ipc"]) {
    const missing = await daemon.cli(["create", mode, `container:${target}`, "busybox"]);
    expect(missing.stderr).toContain(`No such container: ${target}`);
  }
});

test("what is wrong with a bind, a driver or a connection is said in Docker's words", async () => {
  const bind = await daemon.cli(["create", "-v", "/tmp:data", "busybox"]);
  expect(bind.stderr).toContain(
    "invalid volume specification: '/tmp:data': invalid mount config for type \"bind\": invalid mount path: 'data' mount path must be absolute",
  );
  const volume = await daemon.cli(["volume", "create", "-d", "nosuch", "v"]);
  expect(volume.stderr).toContain('create v: error looking up volume plugin nosuch: plugin "nosuch" not found');
  const connect = await daemon.cli(["network", "connect", "nosuch", "nobody"]);
  expect(connect.stderr).toContain("No such container: nobody");
});

describe("images", () => {
  test("a repository without a tag is saved with all its tags; a name that moves at load is told", async () => {
    const name = uniqueName("saved");
    await daemon.ok("create", "--name", name, "busybox");
    const first = await daemon.ok("commit", "-c", "LABEL turn=1", name, `${name}:one`);
    await daemon.ok("commit", "-c", "LABEL turn=2", name, `${name}:two`);
    const archive = `${daemon.directory}/${name}.tar`;
    await daemon.ok("save", "-o", archive, name);
    await daemon.ok("tag", "busybox", `${name}:two`);
    const loaded = (await daemon.ok("load", "-i", archive)).split("\n");
    expect(loaded.filter((line) => line.startsWith("Loaded")).toSorted()).toEqual([
      `Loaded image: ${name}:one`,
      `Loaded image: ${name}:two`,
    ]);
    const busybox = (await daemon.inspect<{ Id: string }>("busybox")).Id;
    expect(loaded).toContain(
      `The image ${name}:two already exists, renaming the old one with ID ${busybox} to empty string`,
    );
    expect((await daemon.inspect<{ Id: string }>(`${name}:one`)).Id).toBe(first);
    await daemon.ok("rm", name);
    await daemon.ok("rmi", `${name}:one`, `${name}:two`);
  });

  // Docker has listed images by `until` since 23.0.
  test.if(!targetIsDockerd)("of several moments in a filter the earliest counts", async () => {
    const name = uniqueName("until");
    await daemon.ok("create", "--name", name, "busybox");
    const made: string[] = [];
    for (let turn = 0; turn < 4; turn++) {
      await daemon.ok("commit", name, `${name}:v${turn}`);
      made.push(await daemon.ok("inspect", "-f", "{{.Created}}", `${name}:v${turn}`));
    }
    const filters = [`since=${name}:v0`, `until=${made[2]}`, `until=${made[3]}`].flatMap((each) => ["--filter", each]);
    expect(await daemon.ok("images", "--format", "{{.Tag}}", ...filters, name)).toBe("v1");
    await daemon.ok("rm", name);
    await daemon.ok("rmi", ...made.map((_, turn) => `${name}:v${turn}`));
  });

  test("an image whose name went to its child stays, and an empty word is a command", async () => {
    const name = uniqueName("orphan");
    const create = async (Image: string) =>
      (await daemon.api("POST", "/containers/create", { Image, Cmd: [""] })).json<{ Id: string }>().Id;
    const one = await create("busybox");
    const first = await daemon.ok("commit", "-c", 'ENTRYPOINT ["true"]', one, name);
    const two = await create(name);
    const second = await daemon.ok("commit", "-c", "LABEL Maintainer=tests", two, name);
    await daemon.ok("rmi", name);
    expect((await daemon.api("GET", `/images/${first}/json`)).status).toBe(200);
    expect((await daemon.api("GET", `/images/${second}/json`)).status).toBe(404);
    expect((await daemon.cli(["start", one])).stderr).toContain('exec: ""');
    await daemon.ok("rm", one, two);
    await daemon.ok("rmi", first);
  });
});

test("a working directory that is a file", async () => {
  const result = await daemon.cli(["run", "--rm", "-w", "/bin/busybox", "busybox", "true"]);
  expect(result.stderr).toContain("Cannot mkdir: /bin/busybox is not a directory");
  expect(result.exitCode).toBe(125);
});

describe("bodies that are no JSON", () => {
  const raw = async (path: string, text: string, type = "application/json") => {
    const answer = await daemon.api("POST", path, text, { "Content-Type": type });
    return `${answer.status} ${answer.text}`;
  };

  // Docker has said it so since 23.0.
  test
    .if(!targetIsDockerd)
    .each([
      "/commit",
      "/containers/create",
      "/containers/nobody/exec",
      "/containers/nobody/update",
      "/exec/nobody/start",
      "/networks/create",
      "/networks/bridge/connect",
      "/networks/bridge/disconnect",
      "/volumes/create",
    ])("POST %s", async (path) => {
    const broken = await raw(path, "{invalid json");
    expect(broken).toStartWith("400 ");
    expect(broken).toContain("invalid JSON: invalid character 'i' looking for beginning of object key string");
    const extra = await raw(path, "{} trailing content");
    expect(extra).toStartWith("400 ");
    expect(extra).toContain("unexpected content after JSON");
    expect(await raw(path, "{}", "text/plain")).toContain("unsupported media type");
    expect(await raw(path, "")).toMatch(/^[24]/);
  });
});

test.if(!targetIsDockerd)("a session and BuildKit's calls want HTTP/2", async () => {
  for (const path of ["/session", "/grpc"]) {
    expect(await message("POST", path)).toBe("400 no upgrade proto in request");
    const other = await daemon.api("POST", path, undefined, { Connection: "Upgrade", Upgrade: "foo" });
    expect([other.status, other.text]).toEqual([400, expect.stringMatching(/protocol \w+ not supported/)]);
  }
});

test("a create request without image and command; a size for what has no terminal", async () => {
  expect(await message("POST", "/containers/create", { Image: "" })).toMatch(/^400 [Nn]o command specified$/);
  const name = uniqueName("size");
  await daemon.ok("run", "-d", "--name", name, "busybox", "top");
  expect((await daemon.api("POST", `/containers/${name}/resize?h=10&w=10`)).status).toBe(200);
  const empty = await daemon.cli(["exec", name, ""]);
  expect(empty.stdout + empty.stderr).toContain('exec: ""');
  expect([126, 127]).toContain(empty.exitCode);
  await daemon.ok("rm", "-f", name);
});

test("what is written to one stream before the other comes before it in the log", async () => {
  const name = uniqueName("order");
  await daemon.ok("run", "-d", "--name", name, "busybox", "sh", "-c", "echo first; echo second >&2");
  await daemon.ok("wait", name);
  const frames = (await daemon.api("GET", `/containers/${name}/logs?stdout=1&stderr=1`)).text;
  expect(frames.indexOf("first")).toBeLessThan(frames.indexOf("second"));
  await daemon.ok("rm", name);
});

test("a tree copied from a container that does not run holds what is mounted in it", async () => {
  const name = uniqueName("nested");
  const file = join(daemon.directory, "one");
  writeFileSync(file, "1\n");
  const mounts = ["-v", "/data", "-v", "/data/inner", "-v", `${file}:/data/bound`];
  await daemon.ok("create", "--name", name, ...mounts, "busybox", "true");
  await daemon.ok("cp", file, `${name}:/data/`);
  await daemon.ok("cp", file, `${name}:/data/inner/`);
  const members = async (path: string) => {
    const url = `http://localhost/containers/${name}/archive?path=${path}`;
    const archive = await (await fetch(url, { unix: daemon.engine.socket, headers: { Connection: "close" } })).bytes();
    const list = await mustRun(["tar", "-t"], { input: archive });
    return list.trim().split("\n").toSorted();
  };
  const all = ["data/", "data/bound", "data/inner/", "data/inner/one", "data/one"];
  expect(await members("/data")).toEqual(all);
  await daemon.ok("start", "-a", name);
  expect(await members("/data")).toEqual(all);
  expect(await members("/data/.")).toEqual(all.map((path) => path.replace("data/", "./")));
  expect((await members("/")).filter((path) => path.includes("data/"))).toEqual(all.map((path) => `/${path}`));
  await daemon.ok("rm", "-v", name);
});

describe("standard input", () => {
  const start = async (StdinOnce: boolean) => {
    const name = uniqueName("input");
    const body = { Image: "busybox", Cmd: ["cat"], OpenStdin: true, StdinOnce, AttachStdin: true };
    await daemon.api("POST", `/containers/create?name=${name}`, body);
    await daemon.ok("start", name);
    return name;
  };

  test("subtle 29: without StdinOnce its end is that of the attach alone", async () => {
    const name = await start(false);
    const sockets = [];
    for (const line of ["one", "two"]) {
      const socket = await daemon.connect();
      sockets.push(socket);
      socket.write(
        `POST /containers/${name}/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n`,
      );
      await new Promise((resolve) => socket.once("data", resolve));
      socket.end(`${line}\n`);
      await eventually(line, async () => (await daemon.ok("logs", name)).endsWith(line));
    }
    await eventually("both lines", async () => (await daemon.ok("logs", name)) === "one\ntwo");
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", name)).toBe("true");
    for (const socket of sockets) socket.destroy();
    await daemon.ok("rm", "-f", name);
  });

  test("subtle 31: with StdinOnce its end is the container's, and the attach stays until that has ended", async () => {
    const name = await start(true);
    const attached = await daemon.cli(["attach", name], { input: "one\n" });
    expect([attached.exitCode, attached.stdout]).toEqual([0, "one\n"]);
    expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", name)).toBe("false");
    await daemon.ok("rm", name);
  });
});

test("subtle 69: restart starts what is stopped, keeps what is to be removed, and goes on without its client", async () => {
  const [stopped, passing, stubborn] = [uniqueName("stopped"), uniqueName("passing"), uniqueName("stubborn")];
  await daemon.ok("create", "--name", stopped, "busybox", "top");
  await daemon.ok("restart", stopped);
  expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", stopped)).toBe("true");
  await daemon.ok("run", "-d", "--rm", "--name", passing, "busybox", "top");
  await daemon.ok("restart", "-t", "0", passing);
  expect(await daemon.ok("inspect", "-f", "{{.State.Running}}", passing)).toBe("true");
  await daemon.ok(
    "run",
    "-d",
    "--name",
    stubborn,
    "busybox",
    "sh",
    "-c",
    "trap '' TERM; echo up; sleep 1000 & wait; wait",
  );
  await eventually("it to be up", async () => (await daemon.ok("logs", stubborn)).startsWith("up"));
  const startedAt = () => daemon.ok("inspect", "-f", "{{.State.StartedAt}}", stubborn);
  const before = await startedAt();
  const socket = await daemon.connect();
  socket.write(`POST /containers/${stubborn}/restart?t=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n`);
  await eventually("the signal", async () => (await eventsSince(before, "--filter", `container=${stubborn}`, "--filter", "event=kill")).length > 0); // prettier-ignore
  socket.destroy();
  await eventually("the restart", async () => (await startedAt()) !== before);
  await daemon.ok("rm", "-f", stopped, passing, stubborn);
});
