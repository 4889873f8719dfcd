import { describe, expect, test } from "bun:test";
import { eventually } from "../engines/command.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

// What clients rely on and no other file tests. The numbers are those of docs/subtle-behaviours.md.

const daemon = useDaemon();

/** 20.10 answers some mistakes of clients as if they were its own. */
const refused = targetIsDockerd ? 500 : 400;

type Inspect = {
  readonly Id: string;
  readonly Created: string;
  readonly Platform: string;
  readonly Image: string;
  readonly Path: string;
  readonly Args: string[];
  readonly State: Record<string, unknown>;
  readonly Config: Record<string, unknown>;
  readonly HostConfig: Record<string, unknown>;
  readonly RestartCount: number;
  readonly NetworkSettings: { readonly Networks: Record<string, { Aliases: string[] | null }> };
};

const create = async (body: object = {}, name = uniqueName()) => {
  const answer = await daemon.api("POST", `/containers/create?name=${name}`, {
    Image: "busybox",
    Cmd: ["sleep", "1000"],
    StopTimeout: 0,
    ...body,
  });
  if (answer.status !== 201) throw new Error(answer.text);
  return name;
};
const run = async (body: object = {}, name = uniqueName()) => {
  await create(body, name);
  const { status, text } = await daemon.api("POST", `/containers/${name}/start`);
  if (status !== 204) throw new Error(text);
  return name;
};
const inspect = async (name: string, version = "") =>
  (await daemon.api("GET", `${version}/containers/${name}/json`)).json<Inspect>();
const remove = async (...names: string[]) => {
  for (const name of names) await daemon.api("DELETE", `/containers/${name}?force=1&v=1`);
};
const message = async (method: string, path: string, body?: unknown): Promise<[number, string]> => {
  const answer = await daemon.api(method, path, body);
  return [answer.status, answer.text === "" ? "" : String(answer.json()["message"])];
};
const filters = (value: object) => encodeURIComponent(JSON.stringify(value));

describe("the envelope", () => {
  test("subtle 4: every answer, an error too, says version, platform and server", async () => {
    for (const path of ["/_ping", "/containers/nobody/json", ...(targetIsDockerd ? [] : ["/v1.1/info", "/nothing"])]) {
      const { headers } = await daemon.api("GET", path);
      expect(headers.get("Api-Version")).toMatch(/^1\.\d\d$/);
      expect(headers.get("Ostype")).toBe("linux");
      expect(headers.get("Server")).toMatch(/^Docker\/\S+ \(linux\)$/);
      expect(headers.get("Docker-Experimental")).toMatch(/^(true|false)$/);
    }
  });

  test("subtle 9: /version names the newest and the oldest version", async () => {
    expect((await daemon.api("GET", "/version")).json()).toMatchObject({
      ApiVersion: expect.stringMatching(/^1\.\d\d$/),
      MinAPIVersion: expect.stringMatching(/^1\.\d\d$/),
      Os: "linux",
    });
  });

  test("subtle 12: what is not found is said in the words that clients look for", async () => {
    expect((await message("GET", "/images/none:here/json"))[1]).toEndWith("No such image: none:here");
    expect((await message("POST", "/containers/create", { Image: "none:here" }))[1]).toEndWith(
      "No such image: none:here",
    );
    const [status, text] = await message("POST", "/containers/create?platform=linux/arm64", { Image: "busybox" });
    expect([status, /was found but .*does not match the specified platform/.test(text)]).toEqual([404, true]);
  });

  test("subtle 13: kinds of errors have Docker's statuses", async () => {
    const name = await create();
    expect((await message("GET", "/containers/nobody/json"))[0]).toBe(404);
    expect((await message("POST", `/containers/create?name=${name}`, { Image: "busybox" }))[0]).toBe(409);
    expect((await message("POST", `/containers/${name}/rename?name=-`))[0]).toBe(400);
    expect((await message("DELETE", "/networks/bridge"))[0]).toBe(403);
    expect((await message("GET", "/swarm"))[0]).toBe(503);
    expect((await daemon.api("POST", `/containers/${name}/stop`)).status).toBe(304);
    await remove(name);
  });

  test.skipIf(targetIsDockerd)("subtle 19: without a version the newest is meant", async () => {
    expect((await daemon.api("GET", "/images/busybox/json")).json()).not.toHaveProperty("VirtualSize");
    expect((await daemon.api("GET", "/v1.43/images/busybox/json")).json()).toHaveProperty("VirtualSize");
    expect((await daemon.api("GET", "/v1.44/images/busybox/json")).json()).toHaveProperty("ContainerConfig");
    expect((await daemon.api("GET", "/v1.45/images/busybox/json")).json()).not.toHaveProperty("ContainerConfig");
  });
});

describe("waiting and ends", () => {
  test("subtle 43: a created container does not run; next-exit waits for the next end", async () => {
    const name = await create({ Cmd: ["sh", "-c", "exit 3"] });
    expect((await daemon.api("POST", `/containers/${name}/wait`)).json()["StatusCode"]).toBe(0);
    const next = daemon.api("POST", `/containers/${name}/wait?condition=next-exit`);
    await daemon.api("POST", `/containers/${name}/start`);
    expect((await next).json()["StatusCode"]).toBe(3);
    await remove(name);
  });

  test("subtle 44, 77: condition=removed answers after --rm has removed, with the exit code", async () => {
    const name = await create({ Cmd: ["sh", "-c", "exit 5"], HostConfig: { AutoRemove: true } });
    const removed = daemon.api("POST", `/containers/${name}/wait?condition=removed`);
    await daemon.api("POST", `/containers/${name}/start`);
    expect((await removed).json()["StatusCode"]).toBe(5);
    expect((await message("GET", `/containers/${name}/json`))[0]).toBe(404);
  });

  test("subtle 45: removal wakes who waits for the next end", async () => {
    const name = await create();
    // Its headers come at once, so that the removal cannot overtake it.
    const waiting = await fetch(`http://localhost/containers/${name}/wait?condition=next-exit`, {
      method: "POST",
      unix: daemon.engine.socket,
    });
    expect(waiting.status).toBe(200);
    await remove(name);
    await waiting.text();
  });

  test("subtle 46: a restart of the policy wakes who waits for the end", async () => {
    const name = await create({
      Cmd: ["sh", "-c", "exit 4"],
      HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 1 } },
    });
    const waiting = daemon.api("POST", `/containers/${name}/wait?condition=next-exit`);
    await daemon.api("POST", `/containers/${name}/start`);
    expect((await waiting).json()["StatusCode"]).toBe(4);
    await remove(name);
  });

  test("subtle 50: a command that is not there is the client's mistake, with 127, one that may not run with 126", async () => {
    for (const [command, code] of [
      ["/no/such", 127],
      ["/etc/passwd", 126],
    ] as const) {
      const name = await create({ Cmd: [command] });
      const [status, text] = await message("POST", `/containers/${name}/start`);
      expect([status, text.length > 0]).toEqual([400, true]);
      expect((await inspect(name)).State).toMatchObject({ Status: "created", ExitCode: code });
      await remove(name);
    }
  });

  test("subtle 51: with auto-remove a failed start leaves nothing", async () => {
    const name = await create({ Cmd: ["/no/such"], HostConfig: { AutoRemove: true } });
    expect((await message("POST", `/containers/${name}/start`))[0]).toBe(400);
    await eventually("it to be removed", async () => (await message("GET", `/containers/${name}/json`))[0] === 404);
  });

  test("subtle 55, 56: exec of what cannot run; its record stays until the container goes", async () => {
    const name = await run();
    const { Id } = (await daemon.api("POST", `/containers/${name}/exec`, { Cmd: ["true"] })).json<{ Id: string }>();
    expect((await daemon.api("POST", `/exec/${Id}/start`, { Detach: true })).status).toBe(200);
    await eventually(
      "it to end",
      async () => (await daemon.api("GET", `/exec/${Id}/json`)).json()["Running"] === false,
    );
    const [status, text] = await message("POST", `/exec/${Id}/start`, { Detach: true });
    expect([status, text.includes("has already run")]).toEqual([409, true]);
    expect(await message("GET", "/exec/nothing/json")).toEqual([404, "No such exec instance: nothing"]);
    await daemon.api("POST", `/containers/${name}/pause`);
    expect((await message("POST", `/containers/${name}/exec`, { Cmd: ["true"] }))[0]).toBe(409);
    await remove(name);
    expect((await message("GET", `/exec/${Id}/json`))[0]).toBe(404);
  });
});

describe("the life of a container", () => {
  test("subtle 66: with a stop signal, another signal does not end the restart policy", async () => {
    const name = await run({
      Cmd: ["sh", "-c", "trap 'exit 3' USR1; echo ready; while :; do sleep 0.05; done"],
      StopSignal: "SIGTERM",
      HostConfig: { RestartPolicy: { Name: "always" } },
    });
    await eventually("the trap", async () => (await daemon.ok("logs", name)) === "ready");
    await daemon.api("POST", `/containers/${name}/kill?signal=USR1`);
    await eventually("it to come back", async () => {
      const { RestartCount, State } = await inspect(name);
      return RestartCount > 0 && State["Status"] === "running";
    });
    await remove(name);
  });

  test("subtle 67: t=-1 waits without end, and goes on when the client leaves", async () => {
    const script = "trap 'echo asked; sleep 0.5; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    const name = await run({ Cmd: ["sh", "-c", script] });
    await eventually("the trap", async () => (await daemon.ok("logs", name)) === "ready");
    const gone = new AbortController();
    const stop = fetch(`http://localhost/containers/${name}/stop?t=-1`, {
      method: "POST",
      unix: daemon.engine.socket,
      signal: gone.signal,
    }).catch(() => undefined);
    await eventually("the signal", async () => (await daemon.ok("logs", name)).includes("asked"));
    gone.abort();
    await stop;
    await eventually("it to end", async () => (await inspect(name)).State["ExitCode"] === 9);
    await remove(name);
  });

  test("subtle 70, 71: paused is running too; twice is a conflict, unpause of what is not paused an error", async () => {
    const name = await run();
    expect((await message("POST", `/containers/${name}/unpause`))[0]).toBe(500);
    await daemon.api("POST", `/containers/${name}/pause`);
    expect((await inspect(name)).State).toMatchObject({ Status: "paused", Running: true, Paused: true });
    expect((await message("POST", `/containers/${name}/pause`))[0]).toBe(409);
    await remove(name);
  });

  test("subtle 74: only on-failure takes a count, and a count below zero nobody", async () => {
    for (const policy of [
      { Name: "always", MaximumRetryCount: 2 },
      { Name: "on-failure", MaximumRetryCount: -1 },
    ])
      expect(
        (await message("POST", "/containers/create", { Image: "busybox", HostConfig: { RestartPolicy: policy } }))[0],
      ).toBe(400);
  });

  test("subtle 76: two removals at once both come to an end, and the container is gone", async () => {
    const name = await run();
    const statuses = await Promise.all(
      [1, 2, 3].map(async () => (await daemon.api("DELETE", `/containers/${name}?force=1`)).status),
    );
    expect(statuses).toContain(204);
    expect(statuses.every((status) => [204, 404, 409].includes(status))).toBe(true);
    expect((await message("GET", `/containers/${name}/json`))[0]).toBe(404);
  });

  test("subtle 81, 82: ids are 64 hexadecimal digits; an ambiguous beginning is refused, a name's never matches", async () => {
    const names = await Promise.all(Array.from({ length: 17 }, async () => create()));
    const ids = await Promise.all(names.map(async (name) => (await inspect(name)).Id));
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id) && !/^\d{12}/.test(id))).toBe(true);
    // Of 17 ids two begin with the same digit.
    const digits = ids.map((id) => id.slice(0, 1));
    const twice = digits.find((digit, index) => digits.indexOf(digit) !== index) ?? "";
    const [status, text] = await message("GET", `/containers/${twice}/json`);
    if (!targetIsDockerd) expect(status).toBe(400);
    expect(text.toLowerCase()).toContain(`multiple ids found with provided prefix: ${twice}`);
    expect((await message("GET", `/containers/${(names[0] ?? "").slice(0, -1)}/json`))[0]).toBe(404);
    await remove(...names);
  });

  test("subtle 83: renaming to the same name, a taken one, none", async () => {
    const [one, two] = [await create(), await create()];
    expect((await message("POST", `/containers/${one}/rename?name=${one}`))[0]).toBe(400);
    const [status, text] = await message("POST", `/containers/${one}/rename?name=${two}`);
    expect(status).toBe(409);
    expect(text).toStartWith('Error when allocating new name: Conflict. The container name "/');
    expect((await message("POST", `/containers/${one}/rename?name=`))[0]).toBe(400);
    await remove(one, two);
  });

  test("subtle 86: no check, no Health; a restart begins anew", async () => {
    const name = await run({ Healthcheck: { Test: ["NONE"] } });
    expect((await inspect(name)).State).not.toHaveProperty("Health");
    await remove(name);
    const checked = await run({ Healthcheck: { Test: ["CMD", "true"], Interval: 50_000_000 } });
    const health = async () => ((await inspect(checked)).State["Health"] as { Status: string }).Status;
    await eventually("it to be healthy", async () => (await health()) === "healthy");
    await daemon.api("POST", `/containers/${checked}/restart?t=0`);
    expect(["starting", "healthy"]).toContain(await health());
    await remove(checked);
  });
});

describe("create", () => {
  test("subtle 88, 89, 90: what the docker command always sends means nothing", async () => {
    const name = await create({
      HostConfig: {
        MemorySwappiness: -1,
        OomKillDisable: false,
        PidsLimit: 0,
        RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
        NetworkMode: "default",
      },
      NetworkingConfig: { EndpointsConfig: { default: { Links: null, Aliases: null, NetworkID: "" } } },
    });
    const { HostConfig, NetworkSettings } = await inspect(name);
    expect(HostConfig["PidsLimit"]).toBeNull();
    if (!targetIsDockerd) {
      expect(HostConfig["NetworkMode"]).toBe("bridge");
      expect(Object.keys(NetworkSettings.Networks)).toEqual(["bridge"]);
    }
    await remove(name);
  });

  test("subtle 92: masked paths: null means the defaults, an empty list none", async () => {
    const paths = async (hostConfig: object) => {
      const name = await create({ HostConfig: hostConfig });
      const { HostConfig } = await inspect(name);
      await remove(name);
      return [HostConfig["MaskedPaths"], HostConfig["ReadonlyPaths"]] as [string[] | null, string[] | null];
    };
    expect((await paths({}))[0]?.length).toBeGreaterThan(5);
    expect(await paths({ MaskedPaths: [], ReadonlyPaths: [] })).toEqual([[], []]);
    expect(await paths({ Privileged: true })).toEqual([null, null]);
  });

  test("subtle 94, 95: environment, labels, volumes and ports of image and request are merged", async () => {
    const made = await create({ Env: ["A=image", "B=image"], Labels: { a: "image", b: "image" } });
    const changes = ["EXPOSE 80", "VOLUME /of-image", "HEALTHCHECK --interval=9s CMD true"]
      .map((change) => `&changes=${encodeURIComponent(change)}`)
      .join("");
    await daemon.api("POST", `/commit?container=${made}&repo=merged${changes}`);
    const name = await create({
      Image: "merged",
      Env: ["B=own", "C=own"],
      Labels: { b: "own" },
      Volumes: { "/own": {} },
      ExposedPorts: { "90/tcp": {} },
      Healthcheck: { Retries: 7 },
    });
    const { Config } = await inspect(name);
    const env = Config["Env"] as string[];
    expect(env.slice(0, 2)).toEqual(["B=own", "C=own"]);
    expect(env).toContain("A=image");
    expect(env).not.toContain("B=image");
    expect(env.some((line) => line.startsWith("HOSTNAME="))).toBe(false);
    expect(Config["Labels"]).toMatchObject({ a: "image", b: "own" });
    expect(Object.keys(Config["Volumes"] as object).toSorted()).toEqual(["/of-image", "/own"]);
    expect(Object.keys(Config["ExposedPorts"] as object).toSorted()).toEqual(["80/tcp", "90/tcp"]);
    expect(Config["Healthcheck"]).toMatchObject({ Test: ["CMD-SHELL", "true"], Interval: 9e9, Retries: 7 });
    await remove(name, made);
    await daemon.ok("rmi", "merged");
  });

  test("subtle 105, 107: times are RFC 3339 with nanoseconds as needed, in lists seconds; the platform is the system", async () => {
    const name = await create();
    const { Created, State, Platform } = await inspect(name);
    expect(Created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d*[1-9])?Z$/);
    expect(State).toMatchObject({ StartedAt: "0001-01-01T00:00:00Z", FinishedAt: "0001-01-01T00:00:00Z" });
    expect(Platform).toBe("linux");
    const [listed] = (await daemon.api("GET", `/containers/json?all=1&filters=${filters({ name: [name] })}`)).json<
      { Created: number }[]
    >();
    expect(listed?.Created).toBe(Math.floor(Date.parse(Created) / 1000));
    await remove(name);
  });
});

describe("lists, logs and events", () => {
  test("subtle 119: images without a name are <none>:<none> below 1.43, and nameless since", async () => {
    const made = await create();
    const { Id } = (await daemon.api("POST", `/commit?container=${made}`)).json<{ Id: string }>();
    const listed = async (version: string) =>
      (await daemon.api("GET", `${version}/images/json?filters=${filters({ dangling: ["true"] })}`))
        .json<{ Id: string; RepoTags: string[]; RepoDigests: string[]; SharedSize: number; Containers: number }[]>()
        .find((image) => image.Id === Id);
    expect(await listed("/v1.41")).toMatchObject({ RepoTags: ["<none>:<none>"], SharedSize: -1, Containers: -1 });
    if (!targetIsDockerd) expect(await listed("")).toMatchObject({ RepoTags: [], RepoDigests: [] });
    await remove(made);
    await daemon.ok("rmi", Id);
  });

  test("subtle 125: tail of nothing, of less than nothing and of no number", async () => {
    const name = await run({ Cmd: ["sh", "-c", "echo 1; echo 2; echo 3"], Tty: true });
    await daemon.api("POST", `/containers/${name}/wait`);
    const lines = async (tail: string) =>
      (await daemon.api("GET", `/containers/${name}/logs?stdout=1&tail=${tail}`)).text.split("\n").length - 1;
    expect([await lines("0"), await lines("2"), await lines("-1"), await lines("all"), await lines("x")]).toEqual([
      0, 2, 3, 3, 3,
    ]);
    await remove(name);
  });

  test("subtle 136, 140: the past is cut by since and until; filters take names, ids, images and kinds of actions", async () => {
    const since = Date.now() / 1000;
    const name = await run({ Labels: { kind: "subtle" } });
    const { Id } = await inspect(name);
    await remove(name);
    const until = Math.ceil(Date.now() / 1000) + 1;
    const actions = async (wanted: object) => {
      const text = (await daemon.api("GET", `/events?since=${since}&until=${until}&filters=${filters(wanted)}`)).text;
      return text
        .split("\n")
        .filter(Boolean)
        .map((line) => (JSON.parse(line) as { Action: string }).Action);
    };
    const [byName, byId, byImage, byTag, byKind] = await Promise.all([
      actions({ container: [name] }),
      actions({ container: [Id.slice(0, 12)], type: ["container"] }),
      actions({ image: ["busybox"], label: ["kind=subtle"] }),
      actions({ image: ["busybox:latest"], label: ["kind=subtle"] }),
      actions({ container: [name], event: ["start", "die"] }),
    ]);
    expect(byName).toEqual(expect.arrayContaining(["create", "start", "kill", "die", "destroy"]));
    expect(byId).toEqual(byName);
    expect(byImage).toEqual(byName);
    expect(byTag).toEqual([]);
    expect(byKind).toEqual(["start", "die"]);
  });
});

describe("archives, networks, volumes, prune", () => {
  test.skipIf(targetIsDockerd)("subtle 165: an archive is compressed for those who ask for it", async () => {
    const name = await create();
    const answer = await daemon.api("GET", `/containers/${name}/archive?path=/bin/sh`, undefined, {
      "Accept-Encoding": "gzip",
    });
    expect(answer.headers.get("X-Docker-Container-Path-Stat")).not.toBeNull();
    expect(answer.headers.get("Content-Type")).toBe("application/x-tar");
    const plain = await daemon.api("GET", `/containers/${name}/archive?path=/bin/sh`, undefined, {
      "Accept-Encoding": "identity",
    });
    expect(plain.headers.get("Content-Encoding")).toBeNull();
    // fetch has taken the encoding off.
    expect(answer.text.length).toBe(plain.text.length);
    await remove(name);
  });

  test("subtle 167: an archive goes into a directory that is there", async () => {
    const name = await create();
    const put = async (path: string) =>
      (await daemon.api("PUT", `/containers/${name}/archive?path=${path}`, new Uint8Array(1024))).status;
    expect(await put("/tmp")).toBe(200);
    expect(await put("/etc/passwd")).toBe(refused);
    expect(await put("/no/such/place")).toBe(404);
    await remove(name);
  });

  test("subtle 171, 172, 173: networks: taken and predefined names, and how they are found", async () => {
    const name = uniqueName("net");
    const { Id } = (await daemon.api("POST", "/networks/create", { Name: name, CheckDuplicate: true })).json<{
      Id: string;
    }>();
    expect(await message("POST", "/networks/create", { Name: name, CheckDuplicate: true })).toEqual([
      409,
      `network with name ${name} already exists`,
    ]);
    expect((await message("POST", "/networks/create", { Name: "host", CheckDuplicate: true }))[0]).toBe(403);
    expect((await message("DELETE", "/networks/bridge"))[1]).toContain(
      "is a pre-defined network and cannot be removed",
    );
    for (const reference of [Id, name, Id.slice(0, 12)])
      expect((await daemon.api("GET", `/networks/${reference}`)).json()["Id"]).toBe(Id);
    expect(await message("GET", "/networks/nothing")).toEqual([404, "network nothing not found"]);
    const member = await run({ HostConfig: { NetworkMode: name } });
    const [status, text] = await message("DELETE", `/networks/${name}`);
    expect([status, text.includes("has active endpoints")]).toEqual([403, true]);
    await remove(member);
    expect((await daemon.api("DELETE", `/networks/${name}`)).status).toBe(204);
  });

  test("subtle 175, 176: a volume is made once; one in use, one that is not there", async () => {
    const name = uniqueName("volume");
    for (let round = 0; round < 2; round += 1)
      expect((await daemon.api("POST", "/volumes/create", { Name: name, Labels: { a: "b" } })).status).toBe(201);
    const user = await create({ HostConfig: { Binds: [`${name}:/v`] } });
    const { Id } = await inspect(user);
    expect(await message("DELETE", `/volumes/${name}`)).toEqual([409, `remove ${name}: volume is in use - [${Id}]`]);
    await remove(user);
    expect((await daemon.api("DELETE", `/volumes/${name}`)).status).toBe(204);
    expect((await message("DELETE", `/volumes/${name}`))[0]).toBe(404);
    expect((await daemon.api("DELETE", `/volumes/${name}?force=1`)).status).toBe(204);
    const anonymous = (await daemon.api("POST", "/volumes/create", {})).json<{ Name: string }>();
    expect(anonymous.Name).toMatch(/^[0-9a-f]{64}$/);
    await daemon.api("DELETE", `/volumes/${anonymous.Name}`);
  });

  test("subtle 178: prune takes one until, labels, and what is not labelled", async () => {
    const [kept, gone] = [await create({ Labels: { keep: "yes" } }), await create()];
    expect((await message("POST", `/containers/prune?filters=${filters({ until: ["1h", "2h"] })}`))[0]).toBe(refused);
    expect((await message("POST", `/containers/prune?filters=${filters({ until: ["soon"] })}`))[0]).toBe(refused);
    expect((await message("POST", `/containers/prune?filters=${filters({ nonsense: ["x"] })}`))[0]).toBe(refused);
    const pruned = (await daemon.api("POST", `/containers/prune?filters=${filters({ "label!": ["keep"] })}`)).json<{
      ContainersDeleted: string[];
    }>();
    expect(pruned.ContainersDeleted.length).toBe(1);
    expect((await message("GET", `/containers/${gone}/json`))[0]).toBe(404);
    await remove(kept);
  });

  test("subtle 181: numbers that are none are refused", async () => {
    const name = await create();
    expect((await message("GET", "/containers/json?limit=x"))[0]).toBe(refused);
    expect((await message("POST", `/containers/${name}/stop?t=x`))[0]).toBe(refused);
    await remove(name);
  });

  test.skipIf(targetIsDockerd)("subtle 183: df measures what is asked for, and knows no other things", async () => {
    const keys = async (query: string) =>
      Object.keys((await daemon.api("GET", `/system/df?${query}`)).json()).toSorted();
    expect(await keys("")).toEqual(["BuildCache", "Containers", "Images", "LayersSize", "Volumes"]);
    expect(await keys("type=volume&type=container")).toEqual(["Containers", "Volumes"]);
    expect(await message("GET", "/system/df?type=x")).toEqual([400, "unknown object type: x"]);
  });

  test("subtle 184: a container is made under a passing name and takes that of the one it replaces", async () => {
    const name = await run();
    const { Id } = await inspect(name);
    const next = await create({}, `${Id.slice(0, 12)}_${name}`);
    await daemon.api("POST", `/containers/${name}/stop?t=0`);
    await daemon.api("DELETE", `/containers/${name}`);
    expect((await daemon.api("POST", `/containers/${next}/rename?name=${name}`)).status).toBe(204);
    expect((await inspect(name)).Id).not.toBe(Id);
    await remove(name);
  });
});
