import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { EngineError } from "#base";
import type { ContainerSummary, ImageSummary } from "#formats";
import { fakeContainer, imageId } from "../testing/fake-container.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
});
afterAll(() => api.close());
beforeEach(() => {
  api.engine.views.clear();
  api.engine.calls.length = 0;
  api.engine.failures.clear();
  api.builder.failure = undefined;
});

const filters = (value: object) => encodeURIComponent(JSON.stringify(value));

describe("GET /containers/json", () => {
  beforeEach(() => {
    const add = (over: Parameters<typeof fakeContainer>[0]) => {
      const view = fakeContainer(over);
      api.engine.views.set(view.id, view);
    };
    add({ name: "old", created: 1n, imageName: "moved", config: { Labels: { a: "1", b: "" } } });
    add({ name: "mid", created: 2n, state: { running: false, status: "exited", exitCode: 3, finishedAt: 5n } });
    add({ name: "new", created: 3n, ports: [], state: { health: { status: "healthy", failingStreak: 0, log: [] } } });
  });
  const names = async (query: string) => {
    const { status, json } = await api.call("GET", `/containers/json?${query}`);
    return status === 200 ? (json as ContainerSummary[]).map(({ Names: [name = ""] }) => name.slice(1)) : status;
  };

  test.each([
    ["", ["new", "old"]],
    ["all=1", ["new", "mid", "old"]],
    ["all=true&limit=2", ["new", "mid"]],
    ["limit=2", ["new", "mid"]],
    ["limit=", ["new", "old"]],
    ["all=no", ["new", "old"]],
    ["filters=", ["new", "old"]],
    [`filters=${filters({ status: ["exited"] })}`, ["mid"]],
    [`filters=${filters({ status: { exited: true, running: true } })}`, ["new", "mid", "old"]],
    [`filters=${filters({ label: ["a", "b="] })}`, ["old"]],
    [`filters=${filters({ label: ["a=2"] })}`, []],
    [`all=1&filters=${filters({ name: ["^/mi", "old$"] })}`, ["mid", "old"]],
    [`all=1&filters=${filters({ exited: ["3"] })}`, ["mid"]],
    [`filters=${filters({ health: ["healthy"] })}`, ["new"]],
    [`filters=${filters({ health: ["none"] })}`, ["old"]],
    [`all=1&filters=${filters({ before: ["new"] })}`, ["mid", "old"]],
    [`all=1&filters=${filters({ since: ["old"], before: ["new"] })}`, ["mid"]],
    [`filters=${filters({ ancestor: ["debian:bookworm"] })}`, ["new", "old"]],
    [`filters=${filters({ ancestor: ["nosuch"] })}`, []],
    [`filters=${filters({ volume: ["data"] })}`, ["new", "old"]],
    [`filters=${filters({ volume: ["/nodata"] })}`, []],
    [`filters=${filters({ network: ["bridge"] })}`, ["new", "old"]],
    [`filters=${filters({ publish: ["80"] })}`, ["old"]],
    [`filters=${filters({ publish: ["8000-9000/tcp"] })}`, ["old"]],
    [`filters=${filters({ expose: ["81/tcp"] })}`, ["new"]],
    [`filters=${filters({ status: ["nonsense"] })}`, 400],
    [`filters=${filters({ nonsense: ["1"] })}`, 400],
    [`filters=${filters({ before: ["nosuch"] })}`, 404],
    [`filters=${filters({ exited: ["x"] })}`, 400],
    [`filters=${filters({ publish: ["99999"] })}`, 400],
    ["filters=%7B", 400],
    ["limit=x", 400],
    ["all=%zz", 400],
  ])("?%s", async (query, expected) => {
    expect(await names(query)).toEqual(expected as string[]);
  });

  test("shows the image's id when its name means another one now, and the sizes when asked", async () => {
    const { json } = await api.call("GET", "/containers/json?size=1");
    const [newest, oldest] = json as ContainerSummary[];
    expect(newest).toMatchObject({ Image: "debian:bookworm", ImageID: imageId, SizeRw: 10, SizeRootFs: 1010 });
    expect(oldest).toMatchObject({ Image: imageId, Labels: { a: "1", b: "" } });
  });
});

describe("images", () => {
  test.each([
    [{ reference: ["debian"] }, 1],
    [{ reference: ["deb*:book*"] }, 1],
    [{ reference: ["debian:bullseye"] }, 0],
    [{ reference: ["*"] }, 1],
    [{ dangling: ["true"] }, 0],
    [{ dangling: ["false"] }, 1],
    [{ label: ["l=1"] }, 1],
    [{ until: ["24h"] }, 1],
    [{ until: ["2000-01-01"] }, 0],
    [{ before: ["debian:bookworm"] }, 0],
  ])("list with %p has %d", async (given, count) => {
    const { json } = await api.call("GET", `/images/json?filters=${filters(given)}`);
    expect(json).toHaveLength(count);
  });

  test("are shaped by the version asked for", async () => {
    const at = async (version: string) => (await api.call("GET", `/v${version}/images/json`)).json as ImageSummary[];
    expect((await at("1.43"))[0]?.VirtualSize).toBe(1000);
    expect((await at("1.44"))[0]).not.toHaveProperty("VirtualSize");
    const inspect = async (version: string) => (await api.call("GET", `/v${version}/images/debian:bookworm/json`)).json;
    expect(await inspect("1.44")).toHaveProperty("ContainerConfig");
    expect(await inspect("1.49")).toHaveProperty("Config.Hostname");
    expect(await inspect("1.50")).not.toHaveProperty("Config.Hostname");
    expect(await inspect("1.45")).not.toHaveProperty("ContainerConfig");
  });

  test("take names with slashes, plain and escaped", async () => {
    await api.call("POST", "/images/host:5000/team/app/tag?repo=docker.io/library/b&tag=c");
    await api.call("DELETE", "/images/host%3A5000%2Fteam%2Fapp?force=1&noprune=1");
    expect(api.engine.calls).toEqual([
      { name: "tag", args: ["host:5000/team/app", "docker.io/library/b:c"] },
      { name: "image remove", args: ["host:5000/team/app", { force: true, prune: false }] },
    ]);
  });

  test("a missing one is Docker's 404", async () => {
    const answer = await api.call("GET", "/images/nosuch/json");
    expect([answer.status, answer.json]).toEqual([404, { message: "No such image: nosuch:latest" }]);
    expect((await api.call("GET", "/images/get?names=nosuch")).status).toBe(404);
  });

  test("load and import read the body and answer records", async () => {
    const load = await api.call("POST", "/images/load?quiet=1", Buffer.alloc(100_000), {
      "Content-Type": "application/x-tar",
    });
    expect(load.text).toBe('{"stream":"Loaded image: debian:bookworm\\n"}\r\n');
    const imported = await api.call(
      "POST",
      "/images/create?fromSrc=-&repo=repo&tag=x&changes=CMD%20a",
      Buffer.alloc(10),
      {
        "Content-Type": "text/plain",
      },
    );
    expect(imported.text).toBe(`{"status":"${imageId}"}\r\n`);
    expect((await api.call("POST", "/images/create")).status).toBe(400);
    const refused = await api.call("POST", "/images/create?fromSrc=http%3A%2F%2F169.254.169.254%2Fx");
    expect(refused.json).toMatchObject({ message: expect.stringContaining("link-local") });
    expect(api.engine.calls).toMatchObject([
      { name: "load", args: [100_000] },
      { name: "import", args: [10, { tag: "repo:x", config: { OnBuild: ["CMD a"] } }] },
    ]);
  });
});

describe("POST /build", () => {
  test("streams records while it reads the context, and ends with the id", async () => {
    const socket = api.connect();
    let text = "";
    const step = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("Step 1/1")) step.resolve();
      if (text.includes("\r\n0\r\n\r\n")) ended.resolve();
    });
    const query = `t=foo%3A1&t=foo%3A2&buildargs=${filters({ A: "1", B: null })}&labels=${filters({ l: "v" })}&rm=0&memory=1024`;
    socket.write(`POST /v1.50/build?${query} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n`);
    await step.promise;
    socket.write("3\r\nefg\r\n0\r\n\r\n");
    await ended.promise;
    socket.destroy();
    expect(text).toContain('{"stream":"Successfully built 111111111111\\n"}\r\n');
    expect(text).toContain(`{"aux":{"ID":"${imageId}"}}\r\n`);
    expect(api.builder.contextBytes).toBe(7);
    expect(api.builder.requests.at(-1)).toMatchObject({
      tags: ["foo:1", "foo:2"],
      buildArgs: { A: "1", B: null },
      labels: { l: "v" },
      remove: false,
      resources: { Memory: 1024 },
      dockerfile: "Dockerfile",
    });
  });

  test("refuses with a status what fails before the first output", async () => {
    const before = { ...api.builder };
    const build = () => Promise.reject(new EngineError("invalid", "x", "dockerfile parse error"));
    Object.assign(api.builder, { build });
    const answer = await api.call("POST", "/build", Buffer.alloc(100_000));
    Object.assign(api.builder, before);
    expect([answer.status, answer.json]).toEqual([400, { message: "dockerfile parse error" }]);
  });

  test("says only the id with q=1", async () => {
    expect((await api.call("POST", "/build?q=1", Buffer.alloc(1))).text).toBe(`{"stream":"${imageId}\\n"}\r\n`);
  });

  test("ends a failure with errorDetail, the exit code in it", async () => {
    api.builder.failure = Object.assign(new EngineError("invalid", "x", "The command failed"), { exitCode: 7 });
    expect((await api.call("POST", "/build", Buffer.alloc(1))).text).toEndWith(
      '{"errorDetail":{"code":7,"message":"The command failed"},"error":"The command failed"}\r\n',
    );
  });

  test("aborts when its client leaves", async () => {
    const aborted = Promise.withResolvers<void>();
    const before = { ...api.builder };
    const build: typeof before.build = async (_request, output, signal) => {
      output({ kind: "classic", stream: "Step 1/1 : RUN sleep\n" });
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      aborted.resolve();
      throw new EngineError("cancelled", "x", "cancelled");
    };
    Object.assign(api.builder, { build });
    const socket = api.connect();
    socket.on("data", () => socket.destroy());
    socket.write("POST /build HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    await aborted.promise;
    Object.assign(api.builder, before);
  });

  test("takes the null that older clients send for an empty list", async () => {
    const query = "q=1&ulimits=null&buildargs=null&labels=null&cachefrom=null";
    expect((await api.call("POST", `/build?${query}`, Buffer.alloc(1))).status).toBe(200);
  });

  test.each(["buildargs=1", "buildargs={", 'labels={"a":null}', "memory=x", "ulimits=[1]"])(
    "refuses ?%s",
    async (query) => {
      const { status } = await api.call("POST", `/build?${encodeURI(query)}`, Buffer.alloc(1));
      expect(status).toBe(400);
    },
  );
});

describe("archive", () => {
  test("describes a path in a header", async () => {
    const { headers, text } = await api.call("HEAD", "/containers/web/archive?path=/f");
    const stat = Buffer.from(String(headers["x-docker-container-path-stat"]), "base64").toString();
    expect(JSON.parse(stat)).toEqual({ name: "f", size: 3, mode: 420, mtime: "1970-01-01T00:00:01Z", linkTarget: "" });
    expect(text).toBe("");
    const get = await api.call("GET", "/containers/web/archive?path=/f");
    expect(get.headers["content-type"]).toBe("application/x-tar");
    expect(get.text).toHaveLength(1024);
    expect((await api.call("GET", "/containers/web/archive")).status).toBe(400);
  });

  test("passes an upload on", async () => {
    const body = Buffer.alloc(3_000_000);
    await api.call("PUT", "/containers/web/archive?path=/t&noOverwriteDirNonDir=true", body, {
      "Content-Type": "application/x-tar",
    });
    expect(api.engine.calls[0]?.args).toEqual([
      "web",
      "/t",
      3_000_000,
      { noOverwriteDirectoryNonDirectory: true, copyOwner: false },
    ]);
  });

  test("ends an upload whose client leaves in the middle", async () => {
    let ended = Promise.withResolvers<string>();
    const before = { ...api.engine.archives };
    const put: typeof before.put = async (_container, _path, tar) => {
      let bytes = 0;
      try {
        for await (const chunk of tar) bytes += chunk.length;
        ended.resolve("complete");
      } catch {
        ended.resolve(`broken after ${bytes}`);
      }
    };
    Object.assign(api.engine.archives, { put });
    for (const framing of ["Content-Length: 9999", "Transfer-Encoding: chunked"]) {
      ended = Promise.withResolvers();
      const socket = api.connect();
      socket.write(`PUT /containers/web/archive?path=/t HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n5\r\nhello\r\n`);
      await Bun.sleep(5);
      socket.destroy();
      expect(await ended.promise).toStartWith("broken");
    }
    Object.assign(api.engine.archives, before);
  });

  test("answers although the body was not read", async () => {
    const before = { ...api.engine.archives };
    const put = () => Promise.reject(new EngineError("not-found", "x", "Could not find the file /t in container web"));
    Object.assign(api.engine.archives, { put });
    const answer = await api.call("PUT", "/containers/web/archive?path=/t", Buffer.alloc(5_000_000));
    Object.assign(api.engine.archives, before);
    expect(answer.status).toBe(404);
    expect((await api.call("GET", "/_ping")).text).toBe("OK");
  });
});

describe("events", () => {
  const event = (action: string, name: string) => ({
    type: "container" as const,
    action,
    actor: { id: `${name}-id`, attributes: { name, image: "debian:bookworm", l: "1" } },
  });

  test("come live, filtered, after the headers", async () => {
    const socket = api.connect();
    let text = "";
    let seen = Promise.withResolvers<void>();
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      seen.resolve();
    });
    const wanted = {
      type: ["container"],
      event: ["exec_start", "die"],
      container: ["we"],
      image: ["debian"],
      label: ["l=1"],
    };
    socket.write(`GET /events?filters=${filters(wanted)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await seen.promise;
    expect(text).toContain("application/json");
    seen = Promise.withResolvers();
    api.engine.events.emit(event("start", "web"));
    api.engine.events.emit(event("die", "other"));
    api.engine.events.emit(event("exec_start: sh -c x", "web"));
    await seen.promise;
    expect(text.match(/"Action"/g)).toHaveLength(1);
    expect(text).toContain('"Action":"exec_start: sh -c x"');
    socket.destroy();
  });

  test("of the past come when asked for, and until ends the stream", async () => {
    api.engine.events.emit(event("create", "past"));
    const now = Date.now() / 1000;
    const { text } = await api.call("GET", `/events?since=${(now - 60).toFixed(3)}&until=${(now + 0.03).toFixed(3)}`);
    expect(text).toContain('"Action":"create"');
    expect((await api.call("GET", "/events?since=2&until=1")).status).toBe(400);
    expect((await api.call("GET", "/events?since=yesterday")).status).toBe(400);
  });

  test("leave no listener behind", async () => {
    const before = ((await api.call("GET", "/info")).json as { NEventsListener: number }).NEventsListener;
    await api.raw("GET /events HTTP/1.1\r\nHost: x\r\n\r\n", /\r\n\r\n/);
    await Bun.sleep(10);
    const after = ((await api.call("GET", "/info")).json as { NEventsListener: number }).NEventsListener;
    expect(after).toBe(before);
  });
});

describe("the rest", () => {
  test("commit parses its parameters", async () => {
    api.engine.views.set("x", fakeContainer());
    const answer = await api.call("POST", "/commit?container=web&repo=r&tag=t&changes=ENV+A%3D1&changes=CMD+x&pause=0");
    expect([answer.status, answer.json]).toEqual([201, { Id: imageId }]);
    expect(api.engine.calls[0]?.args[1]).toMatchObject({ reference: "r:t", pause: false });
  });

  test("networks and volumes answer in Docker's shape", async () => {
    expect((await api.call("GET", "/networks?filters=%7B%22driver%22%3A%5B%22bridge%22%5D%7D")).json).toMatchObject([
      { Name: "bridge", Scope: "local", IPAM: { Config: [{ Subnet: "172.30.0.0/16", Gateway: "172.30.0.1" }] } },
    ]);
    expect((await api.call("GET", "/networks/nosuch")).json).toEqual({ message: "network nosuch not found" });
    expect(
      (await api.call("POST", "/networks/create", { Name: "n", IPAM: { Config: [{ Subnet: "10.0.0.0/8" }] } })).status,
    ).toBe(201);
    expect((await api.call("GET", "/volumes")).json).toMatchObject({ Volumes: [{ Name: "data" }], Warnings: null });
    expect((await api.call("POST", "/volumes/create", { Name: "v" })).status).toBe(201);
    expect((await api.call("DELETE", "/volumes/data?force=1")).status).toBe(204);
    expect((await api.call("POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D")).json).toEqual({
      VolumesDeleted: null,
      SpaceReclaimed: 0,
    });
  });

  test("one prune at a time", async () => {
    const held = Promise.withResolvers<{ deleted: []; reclaimedBytes: 0 }>();
    const before = { ...api.engine.containers };
    Object.assign(api.engine.containers, { prune: () => held.promise });
    const first = api.call("POST", "/containers/prune");
    await Bun.sleep(5);
    expect((await api.call("POST", "/containers/prune")).status).toBe(409);
    held.resolve({ deleted: [], reclaimedBytes: 0 });
    expect((await first).json).toEqual({ ContainersDeleted: null, SpaceReclaimed: 0 });
    Object.assign(api.engine.containers, before);
  });
});
