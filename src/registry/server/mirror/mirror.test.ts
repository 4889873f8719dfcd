import { afterAll, beforeAll, expect, test } from "bun:test";
import { digestOfText, errorCode, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";

let upstream: TestRegistry;
beforeAll(async () => {
  upstream = await startTestRegistry();
});
afterAll(() => upstream.close());

const host = () => new URL(upstream.url).host;
const mirrorOf = (options: { prefix?: string; revalidate?: string } = {}) =>
  startTestRegistry({ mirrors: [{ upstream: host(), insecure: true, ...options }] });

const counter = async (registry: TestRegistry, kind: string, result: string) => {
  const text = await (await registry.send("GET", "/metrics")).text();
  const name = `berth_registry_mirror_requests_total{kind="${kind}",result="${result}"} `;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(name))
      ?.slice(name.length) ?? "0",
  );
};

test("a mirror fetches what is asked for once, keeps it, and serves it when the upstream is gone", async () => {
  const own = await startTestRegistry();
  const layer = "x".repeat(3_000_000);
  const { digest, bytes } = await own.pushImage("team/app", "1", { layer });
  const mirror = await startTestRegistry({
    mirrors: [{ upstream: new URL(own.url).host, insecure: true, prefix: "up", revalidate: "0" }],
  });
  const path = `/v2/up/team/app/blobs/${digestOfText(layer)}`;
  expect(await (await mirror.send("GET", "/v2/up/team/app/manifests/1")).text()).toBe(bytes);
  const head = await mirror.send("HEAD", path);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "3000000"]);
  // Eight at once: one download.
  const all = await Promise.all(Array.from({ length: 8 }, async () => (await mirror.send("GET", path)).text()));
  expect(all.every((text) => text === layer)).toBe(true);
  const ranged = await mirror.send("GET", path, { headers: { range: "bytes=0-2" } });
  expect([ranged.status, await ranged.text()]).toEqual([206, "xxx"]);
  expect(await counter(mirror, "blob", "fetched")).toBe(1);
  await own.close();
  expect(await (await mirror.send("GET", "/v2/up/team/app/manifests/1")).text()).toBe(bytes);
  expect((await mirror.send("GET", `/v2/up/team/app/manifests/${digest}`)).status).toBe(200);
  expect(await (await mirror.send("GET", path)).text()).toBe(layer);
  expect(await counter(mirror, "manifest", "stale")).toBe(1);
  const unknown = await mirror.send("GET", "/v2/up/team/app/manifests/2");
  expect([unknown.status, await errorCode(unknown)]).toEqual([502, "UNAVAILABLE"]);
  await mirror.close();
}, 20_000);

test("a mirror follows a tag that moves, and believes it for a while", async () => {
  const mirror = await mirrorOf({ revalidate: "0" });
  const patient = await mirrorOf({ revalidate: "1h" });
  const digestAt = async (registry: TestRegistry) =>
    (await registry.send("HEAD", "/v2/moving/manifests/latest")).headers.get("docker-content-digest");
  const first = await upstream.pushImage("moving", "latest", { layer: "one" });
  expect(await digestAt(mirror)).toBe(first.digest);
  expect(await digestAt(patient)).toBe(first.digest);
  expect(await digestAt(mirror)).toBe(first.digest);
  const second = await upstream.pushImage("moving", "latest", { layer: "two" });
  expect(await digestAt(mirror)).toBe(second.digest);
  expect(await digestAt(patient)).toBe(first.digest);
  await mirror.close();
  await patient.close();
});

test("a mirror has what the upstream has, and takes no pushes", async () => {
  const mirror = await mirrorOf();
  expect(await errorCode(await mirror.send("GET", "/v2/none/manifests/1"))).toBe("NAME_UNKNOWN");
  // No manifest names it: it is not fetched, though the upstream has it.
  const blob = await upstream.pushBlob("a", "not named by any manifest");
  expect((await mirror.send("GET", `/v2/a/blobs/${blob}`)).status).toBe(404);
  const push = await mirror.send("POST", "/v2/a/blobs/uploads/");
  expect([push.status, await errorCode(push)]).toEqual([405, "UNSUPPORTED"]);
  await mirror.close();
});

test("a mirror of several registries tells them apart by prefix, or by the registry a client names", async () => {
  const other = await startTestRegistry();
  const mine = await upstream.pushImage("same/name", "1", { layer: "mine" });
  const theirs = await other.pushImage("same/name", "1", { layer: "theirs" });
  const otherHost = new URL(other.url).host;
  const mirror = await startTestRegistry({
    mirrors: [
      { upstream: host(), insecure: true },
      { upstream: otherHost, insecure: true, prefix: "other/" },
    ],
  });
  const digestAt = async (path: string) => (await mirror.send("HEAD", path)).headers.get("docker-content-digest");
  expect(await digestAt("/v2/same/name/manifests/1")).toBe(mine.digest);
  expect(await digestAt("/v2/other/same/name/manifests/1")).toBe(theirs.digest);
  expect(await digestAt(`/v2/same/name/manifests/1?ns=${otherHost}`)).toBe(theirs.digest);
  await mirror.close();
  await other.close();
});
