import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();
const running = uniqueName("running");
const stopped = uniqueName("stopped");
const created = uniqueName("created");
let runningId = "";

beforeAll(async () => {
  runningId = await daemon.ok(
    "run",
    "-d",
    "--name",
    running,
    "-l",
    "tier=web",
    "-l",
    "x=1",
    "-v",
    "/data",
    "--expose",
    "80",
    "busybox",
    "sleep",
    "1000",
  );
  await daemon.cli(["run", "--name", stopped, "-l", "tier=db", "busybox", "sh", "-c", "exit 3"]);
  await daemon.ok("create", "--name", created, "busybox", "echo", "it is", "here");
});

const names = async (...words: string[]) =>
  (await daemon.ok("ps", "--format", "{{.Names}}", ...words)).split("\n").filter(Boolean).toSorted();

describe("ps", () => {
  test("shows running containers, -a all, newest first", async () => {
    expect(await names()).toEqual([running]);
    expect((await daemon.ok("ps", "-a", "--format", "{{.Names}}")).split("\n")).toEqual([created, stopped, running]);
  });

  test("prints Docker's table", async () => {
    const [head, row] = (await daemon.ok("ps")).split("\n");
    expect(head).toMatch(/^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$/);
    expect(row).toMatch(
      new RegExp(`^${runningId.slice(0, 12)} +busybox +"sleep 1000" +.* ago +Up .* +80/tcp +${running}$`),
    );
  });

  test("-q prints ids, --no-trunc full ones", async () => {
    expect(await daemon.ok("ps", "-q")).toBe(runningId.slice(0, 12));
    expect(await daemon.ok("ps", "-q", "--no-trunc")).toBe(runningId);
  });

  test("-l and -n limit, stopped ones included", async () => {
    expect(await names("-l")).toEqual([created]);
    expect(await names("-n", "2")).toEqual([created, stopped].toSorted());
  });

  test.each([
    [["-a", "--filter", "status=exited"], () => [stopped]],
    [["--filter", "status=created"], () => [created]],
    [["--filter", "status=running"], () => [running]],
    [["-a", "--filter", "exited=3"], () => [stopped]],
    [["-a", "--filter", "exited=0"], () => []],
    [["-a", "--filter", "label=tier"], () => [running, stopped].toSorted()],
    [["-a", "--filter", "label=tier=web"], () => [running]],
    [["-a", "--filter", "label=tier=web", "--filter", "label=x=1"], () => [running]],
    [["-a", "--filter", "label=tier=db", "--filter", "label=x=1"], () => []],
    [["-a", "--filter", "name=^running"], () => [running]],
    [["-a", "--filter", "name=opp"], () => [stopped]],
    [["-a", "--filter", "ancestor=busybox"], () => [running, stopped, created].toSorted()],
    [["-a", "--filter", "ancestor=busybox:latest"], () => [running, stopped, created].toSorted()],
    [["-a", "--filter", "volume=/data"], () => [running]],
    [["-a", "--filter", "expose=80/tcp"], () => [running]],
    [["-a", "--filter", "network=bridge"], () => [running, stopped, created].toSorted()],
    [["-a", "--filter", "health=none"], () => [running, stopped, created].toSorted()],
  ])("%p", async (words, expected) => {
    expect(await names(...words)).toEqual(expected());
  });

  test("before= and since= compare ages", async () => {
    expect(await names("-a", "--filter", `before=${stopped}`)).toEqual([running]);
    expect(await names("-a", "--filter", `since=${stopped}`)).toEqual([created]);
    expect(await names("-a", "--filter", `id=${runningId.slice(0, 16)}`)).toEqual([running]);
  });

  test("an unknown filter is an error that names it", async () => {
    const result = await daemon.cli(["ps", "--filter", "colour=red"]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/invalid filter '?colour'?/i);
  });

  test("--format json and templates", async () => {
    const row = JSON.parse(await daemon.ok("ps", "--format", "json")) as Record<string, string>;
    expect(row).toMatchObject({
      Names: running,
      Image: "busybox",
      Command: '"sleep 1000"',
      State: "running",
      Ports: "80/tcp",
    });
    expect(await daemon.ok("ps", "--format", '{{.Label "tier"}} {{.State}} {{.Networks}} {{.LocalVolumes}}')).toBe(
      "web running bridge 1",
    );
    expect(await daemon.ok("ps", "-a", "--filter", `name=${stopped}`, "--format", "{{.Status}}")).toMatch(
      /^Exited \(3\) .* ago$/,
    );
    expect(await daemon.ok("ps", "-a", "--filter", `name=${created}`, "--format", "{{.Status}}")).toBe("Created");
  });

  test("-s shows sizes", async () => {
    await daemon.ok("exec", running, "dd", "if=/dev/zero", "of=/big", "bs=1000", "count=2000");
    expect(await daemon.ok("ps", "-s", "--format", "{{.Size}}")).toMatch(/^2(\.0\d*)?MB \(virtual .*MB\)$/);
  });

  test("an argument with a space is quoted in the list", async () => {
    const list = (await daemon.api("GET", "/containers/json?all=1")).json<{ Names: string[]; Command: string }[]>();
    expect(list.find(({ Names }) => Names[0] === `/${created}`)?.Command).toBe("echo 'it is' here");
  });

  test("API: limit includes stopped ones, filters take both forms", async () => {
    const list = async (query: string) =>
      (await daemon.api("GET", `/containers/json?${query}`)).json<{ Names: string[] }[]>();
    expect((await list("limit=1")).map(({ Names }) => Names[0])).toEqual([`/${created}`]);
    const filter = (value: unknown) => `filters=${encodeURIComponent(JSON.stringify(value))}`;
    expect((await list(filter({ status: ["exited"] }))).length).toBe(1);
    expect((await list(filter({ status: { exited: true } }))).length).toBe(1);
    expect((await daemon.api("GET", "/containers/json?filters=nonsense")).status).toBe(targetIsDockerd ? 500 : 400);
  });

  test("inspect has Docker's keys", async () => {
    const document = await daemon.inspect<Record<string, unknown>>(running);
    for (const key of [
      "Id",
      "Created",
      "Path",
      "Args",
      "State",
      "Image",
      "ResolvConfPath",
      "HostnamePath",
      "HostsPath",
      "LogPath",
      "Name",
      "RestartCount",
      "Driver",
      "Platform",
      "MountLabel",
      "ProcessLabel",
      "AppArmorProfile",
      "ExecIDs",
      "HostConfig",
      "Mounts",
      "Config",
      "NetworkSettings",
    ])
      // prettier-ignore
      expect(document).toHaveProperty(key);
    expect(document["Platform"]).toBe("linux");
    expect(document["ExecIDs"]).toBeNull();
    expect(document["Created"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
    expect(await daemon.ok("inspect", "-s", "-f", "{{.SizeRootFs}}", running)).toMatch(/^\d{7,}$/);
  });

  test("inspect tells where the file systems lie", async () => {
    const directory = (name: string) => daemon.ok("inspect", "-f", `{{.GraphDriver.Data.${name}}}`, running);
    await daemon.ok("exec", running, "sh", "-c", "echo mine > /tmp/written");
    expect(readFileSync(join(await directory("UpperDir"), "tmp/written"), "utf8")).toBe("mine\n");
    expect(readFileSync(join(await directory("MergedDir"), "tmp/written"), "utf8")).toBe("mine\n");
    const [top = ""] = (await directory("LowerDir")).split(":").slice(targetIsDockerd ? 1 : 0);
    expect(readdirSync(top)).toContain("bin");
    expect(await daemon.ok("image", "inspect", "-f", "{{.GraphDriver.Data.UpperDir}}", "busybox")).toBe(top);
  });

  test("inspect of several, and of something missing", async () => {
    const result = await daemon.cli(["inspect", running, "nothing-like-this"]);
    expect(result.exitCode).toBe(1);
    expect((JSON.parse(result.stdout) as unknown[]).length).toBe(1);
    expect(result.stderr.toLowerCase()).toContain("no such object: nothing-like-this");
  });
});
