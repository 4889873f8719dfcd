import { describe, expect, test } from "bun:test";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

const daemon = useDaemon();

describe("the HTTP envelope", () => {
  test("_ping tells version, platform and builder", async () => {
    for (const method of ["GET", "HEAD"]) {
      const answer = await daemon.api(method, "/_ping");
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(method === "GET" ? "OK" : "");
      expect(answer.headers.get("Api-Version")).toMatch(/^1\.\d\d$/);
      expect(answer.headers.get("Ostype")).toBe("linux");
      expect(answer.headers.get("Docker-Experimental")).toMatch(/^(true|false)$/);
      expect(answer.headers.get("Cache-Control")).toBe("no-cache, no-store, must-revalidate");
    }
  });

  test("routes exist with and without a version", async () => {
    for (const prefix of ["", "/v1.24", "/v1.41"])
      expect((await daemon.api("GET", `${prefix}/version`)).status).toBe(200);
    expect((await daemon.api("GET", "/version")).json()).toHaveProperty("ApiVersion");
  });

  // 20.10 answered old versions in plain text.
  test.if(!targetIsDockerd)("versions out of range are refused", async () => {
    const low = await daemon.api("GET", "/v1.10/version");
    expect(low.status).toBe(400);
    expect(low.json()["message"]).toContain("client version 1.10 is too old. Minimum supported API version is");
    const high = await daemon.api("GET", "/v1.99/version");
    expect(high.status).toBe(400);
    expect(high.json()["message"]).toContain("client version 1.99 is too new. Maximum supported API version is");
  });

  test("unknown paths and wrong methods are 404 in Docker's form", async () => {
    for (const [method, path] of [
      ["GET", "/nothing"],
      ["DELETE", "/version"],
      ["GET", "/containers/create"],
    ] as const) {
      const answer = await daemon.api(method, path);
      expect(answer.status).toBe(404);
      expect(answer.headers.get("Content-Type")).toBe("application/json");
      expect(answer.json()).toEqual({ message: "page not found" });
    }
  });

  test("errors are exactly application/json, so that clients show the message", async () => {
    const answer = await daemon.api("GET", "/containers/missing/json");
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Content-Type")).toBe("application/json");
    expect(answer.json()).toMatchObject({ message: "No such container: missing" });
  });

  test("a body must be JSON and must say so", async () => {
    expect((await daemon.api("POST", "/containers/create", "{", { "Content-Type": "application/json" })).status).toBe(
      targetIsDockerd ? 500 : 400,
    );
    expect(
      (await daemon.api("POST", "/containers/create", "{}", { "Content-Type": "text/plain" })).status,
    ).toBeGreaterThanOrEqual(400);
    if (!targetIsDockerd) {
      const trailing = await daemon.api("POST", "/containers/create", '{"Image":"busybox"} x', {
        "Content-Type": "application/json",
      });
      expect(trailing.status).toBe(400);
    }
  });

  test("a wrong field is a 400 that names it", async () => {
    const answer = await daemon.api("POST", "/containers/create", { Image: "busybox", Env: "not a list" });
    expect(answer.status).toBe(targetIsDockerd ? 500 : 400);
    expect(answer.json()["message"] as string).toContain("Env");
  });

  test.skipIf(targetIsDockerd)("what create refuses, in the words of Moby's tests", async () => {
    const refused: readonly (readonly [unknown, string])[] = [
      [{ HostConfig: {} }, "config cannot be empty in order to create a container"],
      [{ PortBindings: { "8080/tcp": [{ HostIp: "", HostPort: "aa80" }] } }, 'invalid port specification: "aa80"'],
      [
        { RestartPolicy: { Name: "always", MaximumRetryCount: -2 } },
        "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
      ],
      [{ Annotations: { "": "a" } }, "invalid Annotations: the empty string is not permitted as an annotation key"],
      [
        { Mounts: [{ Type: "notreal", Target: "/foo" }] },
        'invalid mount config for type "notreal": mount type unknown',
      ],
    ];
    for (const [given, message] of refused) {
      const isWhole = typeof given === "object" && given !== null && "HostConfig" in given;
      const body = isWhole ? given : { Image: "busybox", HostConfig: given };
      const answer = await daemon.api("POST", "/containers/create", body);
      expect([answer.status, answer.json()["message"]]).toEqual([400, message]);
    }
  });

  test("capabilities may be one string, and a link that was taken away leaves null", async () => {
    const [child, parent] = [uniqueName(), uniqueName()];
    await daemon.ok("create", "--name", child, "busybox");
    const hostConfig = { CapAdd: "NET_ADMIN", CapDrop: "SYS_ADMIN", Links: [`${child}:one`] };
    await daemon.api("POST", `/containers/create?name=${parent}`, { Image: "busybox", HostConfig: hostConfig });
    const shown = async () => {
      const document = (await daemon.api("GET", `/containers/${parent}/json`)).json();
      return document["HostConfig"];
    };
    expect(await shown()).toMatchObject({ Links: [`/${child}:/${parent}/one`] });
    expect((await daemon.api("DELETE", `/containers/${parent}/one?link=1`)).status).toBe(204);
    expect(await shown()).toMatchObject({ Links: null });
    await daemon.ok("rm", child, parent);
  });

  test("a missing image is 404 with Docker's words", async () => {
    const answer = await daemon.api("POST", "/containers/create", { Image: "not-here:v1" });
    expect(answer.status).toBe(404);
    expect(answer.json()["message"]).toBe("No such image: not-here:v1");
    expect((await daemon.api("GET", "/images/not-here/json")).status).toBe(404);
  });

  test("text is not escaped as for HTML", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "-l", "tag=<none>&x", "busybox");
    expect((await daemon.api("GET", `/containers/${name}/json`)).text).toContain('"<none>&x"');
    await daemon.ok("rm", name);
  });

  test("empty lists are [] and Warnings is a list", async () => {
    expect((await daemon.api("GET", "/containers/json")).text.trim()).toBe("[]");
    expect(
      (await daemon.api("GET", `/volumes?filters=${encodeURIComponent('{"label":["no"]}')}`)).json()["Volumes"],
    ).toEqual([]);
    const created = await daemon.api("POST", "/containers/create", { Image: "busybox" });
    expect(created.status).toBe(201);
    expect(created.json()["Warnings"]).toEqual([]);
    expect((await daemon.api("DELETE", `/containers/${String(created.json()["Id"])}`)).status).toBe(204);
  });

  test("boolean parameters: anything but 0, no, false, none is true", async () => {
    const name = uniqueName();
    await daemon.ok("create", "--name", name, "busybox");
    const count = async (query: string) =>
      (await daemon.api("GET", `/containers/json?${query}`)).json<unknown[]>().length;
    for (const yes of ["all=1", "all=true", "all=True", "all=x"]) expect(await count(yes)).toBe(1);
    for (const no of ["all=0", "all=false", "all=no", "all=none", "all="]) expect(await count(no)).toBe(0);
    await daemon.ok("rm", name);
  });

  test("default values show in inspect", async () => {
    const name = uniqueName();
    await daemon.api("POST", `/containers/create?name=${name}`, {
      Image: "busybox",
      HostConfig: { Memory: 64 << 20, MemorySwappiness: -1, PidsLimit: 0, NetworkMode: "default", ShmSize: 0 },
    });
    const { HostConfig, Config, Path, Args } = (await daemon.api("GET", `/containers/${name}/json`)).json<{
      HostConfig: Record<string, unknown>;
      Config: Record<string, unknown>;
      Path: string;
      Args: string[];
    }>();
    expect(HostConfig).toMatchObject({
      MemorySwap: 128 << 20,
      ShmSize: 67_108_864,
      RestartPolicy: { MaximumRetryCount: 0 },
    });
    expect(Config).toMatchObject({ Image: "busybox", Cmd: ["sh"], Entrypoint: null });
    expect([Path, Args]).toEqual(["sh", []]);
    expect((HostConfig["MaskedPaths"] as string[]).length).toBeGreaterThan(5);
    await daemon.ok("rm", name);
  });

  test("entrypoint and command merge as Docker's", async () => {
    const create = (Entrypoint: unknown, Cmd: unknown) =>
      daemon.api("POST", "/containers/create", { Image: "busybox", Entrypoint, Cmd });
    const pathOf = async (entrypoint: unknown, command: unknown) => {
      const id = String((await create(entrypoint, command)).json()["Id"]);
      const { Path, Args } = (await daemon.api("GET", `/containers/${id}/json`)).json<{
        Path: string;
        Args: string[];
      }>();
      await daemon.ok("rm", id);
      return [Path, ...Args];
    };
    expect(await pathOf(null, null)).toEqual(["sh"]);
    expect(await pathOf(["echo"], ["a"])).toEqual(["echo", "a"]);
    expect(await pathOf(["echo"], null)).toEqual(["echo"]);
    expect(await pathOf("echo", "a")).toEqual(["echo", "a"]);
    expect(await pathOf([""], ["ls"])).toEqual(["ls"]);
    const nothing = await create([""], []);
    expect(nothing.status).toBe(400);
    expect(nothing.json()["message"]).toContain("o command specified");
  });

  test("1000 requests on one connection and 200 on their own all answer", async () => {
    for (let index = 0; index < 1000; index += 1) {
      const response = await fetch("http://localhost/_ping", { unix: daemon.engine.socket });
      expect(await response.text()).toBe("OK");
    }
    const answers = await Promise.all(Array.from({ length: 200 }, () => daemon.api("GET", "/_ping")));
    expect(answers.every(({ text }) => text === "OK")).toBe(true);
  });

  test("garbage on the socket hurts nobody", async () => {
    for (const garbage of [
      "\u0000\u0001\u0002",
      "GET\r\n\r\n",
      `GET /${"a".repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n{",
    ]) {
      const socket = await daemon.connect();
      socket.on("error", () => {}); // the daemon may reset the connection, which is its right
      socket.write(garbage);
      await Bun.sleep(50);
      socket.destroy();
    }
    expect((await daemon.api("GET", "/_ping")).text).toBe("OK");
  });

  test("the socket is for root and its group only", async () => {
    const { stdout } = Bun.spawnSync(["stat", "-c", "%a", daemon.engine.socket]);
    expect(stdout.toString().trim()).toBe("660");
  });
});
