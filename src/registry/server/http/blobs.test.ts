import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { digestOfText, errorCode, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
});
afterAll(() => registry.close());

const text = "0123456789";
const absent = digestOfText("absent");

async function begin(repository = "a"): Promise<string> {
  const response = await registry.send("POST", `/v2/${repository}/blobs/uploads/`);
  expect(response.status).toBe(202);
  return response.headers.get("location") ?? "";
}

describe("GET and HEAD of a blob", () => {
  test("give its bytes, its digest, its length, and let caches keep it", async () => {
    const digest = await registry.pushBlob("a", text);
    const response = await registry.send("GET", `/v2/a/blobs/${digest}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(text);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
    const head = await registry.send("HEAD", `/v2/a/blobs/${digest}`);
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([200, "10", ""]);
    const again = await registry.send("GET", `/v2/a/blobs/${digest}`, { headers: { "if-none-match": `"${digest}"` } });
    expect(again.status).toBe(304);
  });

  test.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=5-100", 206, "56789", "bytes 5-9/10"],
    ["bytes=10-", 416, undefined, "bytes */10"],
    ["bytes=4-2", 416, undefined, "bytes */10"],
    ["lines=1-2", 200, text, null],
    ["bytes=0-1,4-5", 200, text, null],
  ])("answer Range %s with %i", async (range, status, body, contentRange) => {
    const digest = await registry.pushBlob("a", text);
    const response = await registry.send("GET", `/v2/a/blobs/${digest}`, { headers: { range } });
    expect([response.status, response.headers.get("content-range")]).toEqual([status, contentRange]);
    if (body !== undefined) expect(await response.text()).toBe(body);
  });

  test("know nothing of a repository that does not have it", async () => {
    const digest = await registry.pushBlob("a", "only in a");
    expect((await registry.send("GET", `/v2/b/blobs/${digest}`)).status).toBe(404);
    expect(await errorCode(await registry.send("GET", `/v2/a/blobs/${absent}`))).toBe("BLOB_UNKNOWN");
  });

  test.each(["sha256:", "sha256:../../x", `SHA256:${"a".repeat(64)}`, `sha256:${"a".repeat(63)}`, "sha1:abc", "x%0a"])(
    "refuse the digest %s",
    async (digest) => {
      const response = await registry.send("GET", `/v2/a/blobs/${encodeURIComponent(digest)}`);
      expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
    },
  );
});

describe("uploads", () => {
  test("in one PUT, with sha512 too, and the empty blob", async () => {
    for (const [body, algorithm] of [
      [text, "sha256"],
      [text, "sha512"],
      ["", "sha256"],
    ] as const) {
      const digest = `${algorithm}:${createHash(algorithm).update(body).digest("hex")}`;
      const response = await registry.send("PUT", `${await begin()}?digest=${digest}`, { body });
      expect([response.status, response.headers.get("location")]).toEqual([201, `/v2/a/blobs/${digest}`]);
      expect(await (await registry.send("GET", `/v2/a/blobs/${digest}`)).text()).toBe(body);
    }
  });

  test("in chunks, whose order and place are checked, with the place to go on at", async () => {
    const location = await begin();
    const patch = (body: string, range: string) =>
      registry.send("PATCH", location, { body, headers: { "content-range": range } });
    const first = await patch("01234", "0-4");
    expect([first.status, first.headers.get("range")]).toEqual([202, "0-4"]);
    const gap = await patch("9", "9-9");
    expect([gap.status, gap.headers.get("range"), gap.headers.get("location")]).toEqual([416, "0-4", location]);
    expect(await errorCode(await patch("01234", "0-4"))).toBe("BLOB_UPLOAD_INVALID");
    expect(await errorCode(await patch("5", "5-7"))).toBe("SIZE_INVALID");
    const status = await registry.send("GET", location);
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-4"]);
    const end = await registry.send("PUT", `${location}?digest=${digestOfText(text)}`, {
      body: "56789",
      headers: { "content-range": "5-9" },
    });
    expect(end.status).toBe(201);
  });

  test("go on after a broken connection and after a restart, from the byte that arrived", async () => {
    let own = await startTestRegistry();
    const started = await own.send("POST", "/v2/a/blobs/uploads/");
    const location = started.headers.get("location") ?? "";
    const { hostname, port } = new URL(own.url);
    const socket = connect(Number(port), hostname);
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123`);
    // The registry says how far it is; then the line is cut.
    for (let range = ""; range !== "0-3";) {
      range = (await own.send("GET", location)).headers.get("range") ?? "";
    }
    socket.destroy();
    own = await own.restart();
    const status = await own.send("GET", location);
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-3"]);
    const end = await own.send("PUT", `${location}?digest=${digestOfText(text)}`, { body: "456789" });
    expect(end.status).toBe(201);
    expect(await (await own.send("GET", `/v2/a/blobs/${digestOfText(text)}`)).text()).toBe(text);
    await own.close();
  });

  test("with a wrong digest keep nothing", async () => {
    const location = await begin();
    const response = await registry.send("PUT", `${location}?digest=${absent}`, { body: "something else" });
    expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await registry.send("HEAD", `/v2/a/blobs/${absent}`)).status).toBe(404);
    expect(await errorCode(await registry.send("GET", location))).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  test("can be cancelled, and are known to their repository only", async () => {
    const location = await begin();
    expect((await registry.send("GET", location.replace("/v2/a/", "/v2/b/"))).status).toBe(404);
    expect((await registry.send("DELETE", location)).status).toBe(204);
    expect(await errorCode(await registry.send("PATCH", location, { body: "x" }))).toBe("BLOB_UPLOAD_UNKNOWN");
    expect((await registry.send("GET", "/v2/a/blobs/uploads/..%2f..%2fblobs")).status).toBe(404);
  });

  test("beyond the limit are refused", async () => {
    const own = await startTestRegistry({ "max-uploads": 1 });
    expect((await own.send("POST", "/v2/a/blobs/uploads/")).status).toBe(202);
    const second = await own.send("POST", "/v2/a/blobs/uploads/");
    expect([second.status, await errorCode(second)]).toEqual([429, "TOOMANYREQUESTS"]);
    await own.close();
  });

  test("are spared by mounting from another repository", async () => {
    const digest = await registry.pushBlob("source", "mounted");
    const mounted = await registry.send("POST", `/v2/target/blobs/uploads/?mount=${digest}&from=source`);
    expect([mounted.status, mounted.headers.get("location")]).toEqual([201, `/v2/target/blobs/${digest}`]);
    const elsewhere = await registry.send("POST", `/v2/target2/blobs/uploads/?mount=${digest}`);
    expect(elsewhere.status).toBe(201);
    const missing = await registry.send("POST", `/v2/target/blobs/uploads/?mount=${absent}&from=source`);
    expect(missing.status).toBe(202);
    const wrong = await registry.send("POST", `/v2/target/blobs/uploads/?mount=${digest}&from=../x`);
    expect(await errorCode(wrong)).toBe("NAME_INVALID");
  });
});

test("DELETE of a blob takes it from its repository alone", async () => {
  const digest = await registry.pushBlob("one", "shared");
  await registry.pushBlob("two", "shared");
  expect((await registry.send("DELETE", `/v2/one/blobs/${digest}`)).status).toBe(202);
  expect((await registry.send("GET", `/v2/one/blobs/${digest}`)).status).toBe(404);
  expect((await registry.send("GET", `/v2/two/blobs/${digest}`)).status).toBe(200);
  expect(await errorCode(await registry.send("DELETE", `/v2/one/blobs/${digest}`))).toBe("BLOB_UNKNOWN");
});

test("GET never serves more of a damaged blob than its file, and pushing it again heals it", async () => {
  const digest = await registry.pushBlob("a", "to be damaged");
  const { hex } = { hex: digest.slice("sha256:".length) };
  await Bun.write(`${registry.root}/data/blobs/sha256/${hex.slice(0, 2)}/${hex}`, "");
  await registry.pushBlob("a", "to be damaged");
  expect(await (await registry.send("GET", `/v2/a/blobs/${digest}`)).text()).toBe("to be damaged");
});
