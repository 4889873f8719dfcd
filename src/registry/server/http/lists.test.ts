import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { errorCode, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
  for (const tag of ["b", "A", "c", "1.0", "a"]) await registry.pushImage("team/shop", tag);
  await registry.pushImage("zebra", "latest");
  await registry.pushImage("a-b", "latest");
});
afterAll(() => registry.close());

const json = async (path: string) => (await registry.send("GET", path)).json();

describe("tags", () => {
  test("come in lexical order, which ignores case", async () => {
    expect(await json("/v2/team/shop/tags/list")).toEqual({ name: "team/shop", tags: ["1.0", "A", "a", "b", "c"] });
  });

  test("come in pages that link to the next", async () => {
    const seen: string[] = [];
    for (let path: string | undefined = "/v2/team/shop/tags/list?n=2"; path !== undefined;) {
      const response: Response = await registry.send("GET", path);
      const { tags } = (await response.json()) as { tags: string[] };
      seen.push(...tags);
      path = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
    }
    expect(seen).toEqual(["1.0", "A", "a", "b", "c"]);
    expect(await json("/v2/team/shop/tags/list?n=0")).toEqual({ name: "team/shop", tags: [] });
    expect(await json("/v2/team/shop/tags/list?last=b")).toEqual({ name: "team/shop", tags: ["c"] });
    expect((await registry.send("GET", "/v2/team/shop/tags/list?n=5")).headers.get("link")).toBe(null);
  });

  test.each(["-1", "2147483648", "1e9", "x"])("refuse n=%s", async (n) => {
    const response = await registry.send("GET", `/v2/team/shop/tags/list?n=${n}`);
    expect([response.status, await errorCode(response)]).toEqual([400, "PAGINATION_NUMBER_INVALID"]);
    expect((await registry.send("GET", `/v2/_catalog?n=${n}`)).status).toBe(400);
  });

  test("of an unknown repository are an error", async () => {
    expect(await errorCode(await registry.send("GET", "/v2/none/tags/list"))).toBe("NAME_UNKNOWN");
  });
});

test("the catalogue lists repositories in pages", async () => {
  expect(await json("/v2/_catalog")).toEqual({ repositories: ["a-b", "team/shop", "zebra"] });
  const page = await registry.send("GET", "/v2/_catalog?n=1&last=a-b");
  expect(await page.json()).toEqual({ repositories: ["team/shop"] });
  expect(page.headers.get("link")).toBe('</v2/_catalog?n=1&last=team%2Fshop>; rel="next"');
});

test("the search of docker finds parts of names", async () => {
  expect((await registry.send("GET", "/v1/_ping")).status).toBe(200);
  expect(await json("/v1/search?q=SHOP&n=5")).toMatchObject({ num_results: 1, results: [{ name: "team/shop" }] });
});

test("the page shows repositories and tags, escaped, without scripts", async () => {
  const response = await registry.send("GET", "/?q=%22%3E%3Cscript%3E");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await response.text()).not.toContain("<script>");
  expect(await (await registry.send("GET", "/")).text()).toContain("team/shop:1.0");
});

test("health and metrics", async () => {
  expect(await json("/healthz")).toEqual({ status: "ok" });
  const text = await (await registry.send("GET", "/metrics")).text();
  expect(text).toMatch(/^berth_registry_requests_total\{method="PUT",route="manifest",status="201"\} 7$/m);
  expect(text).toMatch(/^berth_registry_uploads 0$/m);
});

describe("names", () => {
  test.each(["Upper", "a//b", "-a", "a_", ".a", "a/../b", "x".repeat(256), "_catalog", "a/_tags"])(
    "refuse %s",
    async (name) => {
      const response = await registry.send("GET", `/v2/${encodeURIComponent(name)}/tags/list`);
      expect([response.status, await errorCode(response)]).toEqual([400, "NAME_INVALID"]);
    },
  );

  test("may have our words in them", async () => {
    await registry.pushImage("blobs/uploads/tags/list", "manifests");
    expect(await json("/v2/blobs/uploads/tags/list/tags/list")).toEqual({
      name: "blobs/uploads/tags/list",
      tags: ["manifests"],
    });
  });
});

test("what is nowhere and what cannot be done say so", async () => {
  expect((await registry.send("GET", "/v2/a/nothing/here")).status).toBe(404);
  expect((await registry.send("GET", "/v3/")).status).toBe(404);
  const response = await registry.send("PUT", "/v2/team/shop/tags/list");
  expect([response.status, await errorCode(response)]).toEqual([405, "UNSUPPORTED"]);
});

test("a read-only registry refuses every change, one without deletes those", async () => {
  const own = await startTestRegistry();
  const { digest } = await own.pushImage("a", "1");
  const readOnly = await own.restart({ "read-only": true });
  expect((await readOnly.send("GET", "/v2/a/manifests/1")).status).toBe(200);
  expect(await errorCode(await readOnly.send("POST", "/v2/a/blobs/uploads/"))).toBe("UNSUPPORTED");
  expect((await readOnly.send("DELETE", `/v2/a/manifests/${digest}`)).status).toBe(405);
  const kept = await readOnly.restart({ "no-delete": true });
  expect((await kept.send("DELETE", `/v2/a/manifests/${digest}`)).status).toBe(405);
  expect((await kept.send("POST", "/v2/a/blobs/uploads/")).status).toBe(202);
  await kept.close();
});
