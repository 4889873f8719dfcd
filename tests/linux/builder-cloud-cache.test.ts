import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, randomBytes } from "node:crypto";
import type { CacheLocation } from "../../src/builder/contract.ts";
import { type FakeBucket, startFakeBucket } from "../../src/registry/server/storage/testing/fake-bucket.ts";
import { type BuilderFixture, type Built, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";

/*
 * Caches in clouds, against doubles on this machine that keep to the published protocols.
 */
const dockerfile = [
  "FROM busybox AS one",
  "RUN echo one > /one",
  "FROM busybox",
  "COPY --from=one /one /copied",
  "COPY large /large",
].join("\n");

/** More than one request carries, also compressed. */
const files = { large: randomBytes(9_000_000).toString("base64") };

const outcomes = (built: Built) => built.steps.map(({ outcome }) => outcome);

/** Azure's Blob service, as far as caches go: Put Blob, Put Block, Put Block List, Get Blob; by shared key or signed address. */
function startBlobService(accountKey: string) {
  const blobs = new Map<string, Uint8Array>();
  const blocks = new Map<string, Uint8Array>();
  const containers = new Set<string>();
  let failures = 0;
  const isSigned = (request: Request, url: URL): boolean => {
    const given = request.headers.get("authorization") ?? "";
    const own = [...request.headers]
      .filter(([name]) => name.startsWith("x-ms-"))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, value]) => `${name}:${value}\n`);
    const query = [...url.searchParams].map(([name, value]) => `\n${name}:${value}`).sort();
    const length = request.headers.get("content-length") ?? "";
    const type = request.headers.get("content-type") ?? "";
    const text = [request.method, "", "", length === "0" ? "" : length, "", type, "", "", "", "", "", ""].join("\n");
    const signed = `${text}\n${own.join("")}/account${url.pathname}${query.join("")}`;
    const expected = createHmac("sha256", Buffer.from(accountKey, "base64")).update(signed, "utf8").digest("base64");
    return given === `SharedKey account:${expected}`;
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const url = new URL(request.url);
      const isFree = url.searchParams.get("sig") === "address";
      if (!isFree && !isSigned(request, url)) {
        return new Response("<Error><Code>AuthenticationFailed</Code></Error>", { status: 403 });
      }
      if (failures > 0) {
        failures -= 1;
        return new Response("<Error><Code>ServerBusy</Code></Error>", { status: 503 });
      }
      const { pathname, searchParams } = url;
      const [, , container = ""] = pathname.split("/");
      if (searchParams.get("restype") === "container") {
        const isNew = !containers.has(container);
        containers.add(container);
        return new Response(null, { status: isNew ? 201 : 409 });
      }
      if (request.method === "PUT") {
        if (!isFree && !containers.has(container))
          return new Response("<Code>ContainerNotFound</Code>", { status: 404 });
        const bytes = await request.bytes();
        const operation = searchParams.get("comp");
        if (operation === "block") blocks.set(`${pathname} ${searchParams.get("blockid")}`, bytes);
        else if (operation === "blocklist") {
          const names = [
            ...Buffer.from(bytes)
              .toString()
              .matchAll(/<Latest>([^<]+)<\/Latest>/g),
          ];
          const parts = names.map(([, name]) => blocks.get(`${pathname} ${name}`) ?? Buffer.alloc(0));
          blobs.set(pathname, Buffer.concat(parts));
        } else if (request.headers.get("x-ms-blob-type") === "BlockBlob") blobs.set(pathname, bytes);
        else return new Response("<Code>MissingRequiredHeader</Code>", { status: 400 });
        return new Response(null, { status: 201 });
      }
      const found = blobs.get(pathname);
      if (found === undefined) return new Response("<Code>BlobNotFound</Code>", { status: 404 });
      return new Response(request.method === "HEAD" ? null : found);
    },
  });
  return {
    address: server.url.href.replace(/\/$/, ""),
    blobs,
    blocks,
    fail: (count: number) => (failures = count),
    close: () => server.stop(true),
  };
}

/** GitHub's cache service, version 2: entries that never change, behind signed addresses of a blob service. */
function startCacheService(blobs: ReturnType<typeof startBlobService>) {
  const entries = new Map<string, { readonly path: string; isWhole: boolean }>();
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      if (request.headers.get("authorization") !== "Bearer token") return new Response("{}", { status: 401 });
      const method = new URL(request.url).pathname.split("/").pop();
      const body = (await request.json()) as {
        key: string;
        version: string;
        restore_keys?: string[];
        size_bytes?: string;
      };
      const name = `${body.version} ${body.key}`;
      const address = (path: string) => `${blobs.address}${path}?sig=address`;
      if (method === "CreateCacheEntry") {
        if (entries.has(name)) return Response.json({ code: "already_exists" }, { status: 409 });
        const path = `/account/actions/${entries.size}`;
        entries.set(name, { path, isWhole: false });
        return Response.json({ ok: true, signed_upload_url: address(path) });
      }
      if (method === "FinalizeCacheEntryUpload") {
        const entry = entries.get(name);
        const size = entry === undefined ? -1 : (blobs.blobs.get(entry.path)?.length ?? -1);
        if (entry === undefined || String(size) !== body.size_bytes) return Response.json({ ok: false });
        entry.isWhole = true;
        return Response.json({ ok: true, entry_id: "1" });
      }
      const matches = [...entries].filter(
        ([each, { isWhole }]) =>
          isWhole &&
          (each === name || (body.restore_keys ?? []).some((key) => each.startsWith(`${body.version} ${key}`))),
      );
      const [key, entry] = matches.find(([each]) => each === name) ?? matches.at(-1) ?? [];
      if (key === undefined || entry === undefined) return Response.json({ ok: false });
      return Response.json({
        ok: true,
        signed_download_url: address(entry.path),
        matched_key: key.slice(body.version.length + 1),
      });
    },
  });
  return { address: server.url.href, entries, close: () => server.stop(true) };
}

describe.skipIf(!canBuild)("caches in clouds", () => {
  const accountKey = Buffer.from("a key of an account").toString("base64");
  let fixture: BuilderFixture;
  let bucket: FakeBucket;
  let blobs: ReturnType<typeof startBlobService>;
  let service: ReturnType<typeof startCacheService>;

  beforeAll(async () => {
    if (!canBuild) return;
    fixture = await openBuilderFixture();
    bucket = startFakeBucket();
    blobs = startBlobService(accountKey);
    service = startCacheService(blobs);
  });
  afterAll(async () => {
    if (!canBuild) return;
    fixture.close();
    await bucket.close();
    await service.close();
    await blobs.close();
  });

  const locations = (): Readonly<Record<string, CacheLocation>> => ({
    s3: {
      type: "s3",
      attributes: {
        ...{ bucket: "bucket", region: "eu", endpoint_url: bucket.endpoint, use_path_style: "true", prefix: "p/" },
        ...{ name: "first;second", access_key_id: "id", secret_access_key: "secret" },
      },
    },
    azblob: {
      type: "azblob",
      attributes: { account_url: `${blobs.address}/account`, secret_access_key: accountKey, name: "cache" },
    },
    gha: { type: "gha", attributes: { url_v2: service.address, token: "token", scope: "main" } },
  });
  const locationOf = (type: string): CacheLocation => {
    const found = locations()[type];
    if (found === undefined) throw new Error(`no location ${type}`);
    return found;
  };
  const withAttributes = (location: CacheLocation, more: Readonly<Record<string, string>>): CacheLocation => ({
    ...location,
    attributes: { ...location.attributes, ...more },
  });

  const importElsewhere = async (location: CacheLocation): Promise<Built> => {
    const other = await openBuilderFixture();
    try {
      return await other.build(dockerfile, files, { cacheImports: [location] });
    } finally {
      other.close();
    }
  };

  test.each(["s3", "azblob", "gha"])(
    "%s: what one builder exports another takes, also when the store is busy",
    async (type) => {
      const location = locationOf(type);
      const none = await importElsewhere(location);
      expect(none.log).toContain("there is no cache");
      bucket.fail(type === "s3" ? 2 : 0);
      blobs.fail(type === "s3" ? 0 : 1);
      const exported = withAttributes(location, { mode: "max" });
      const first = await fixture.build(dockerfile, files, { cacheExports: [exported] });
      const built = await importElsewhere(location);
      expect(outcomes(built)).toEqual(["imported", "imported", "imported"]);
      expect(built.imageId).toBe(first.imageId);
      // What is there is not sent again, and the newest index wins.
      const again = await fixture.build(dockerfile, files, { cacheExports: [exported] });
      expect(again.log).not.toContain("wrote layer");
      expect(again.log).toContain("had layer");
      expect(outcomes(await importElsewhere(location))).toEqual(["imported", "imported", "imported"]);
    },
  );

  test("s3: the names of BuildKit's, all of them written; what is older than touch_refresh is sent again", async () => {
    const keys = [...bucket.objects.keys()];
    expect(keys.filter((key) => key.startsWith("p/manifests/")).sort()).toEqual([
      "p/manifests/first",
      "p/manifests/second",
    ]);
    expect(keys.filter((key) => /^p\/blobs\/sha256:[0-9a-f]{64}$/.test(key)).length).toBe(keys.length - 2);
    const stale = withAttributes(locationOf("s3"), { mode: "max", touch_refresh: "0s" });
    expect((await fixture.build(dockerfile, files, { cacheExports: [stale] })).log).toContain("wrote layer");
  });

  test("a layer larger than a request goes in blocks", () => {
    expect(blobs.blocks.size).toBeGreaterThan(0);
  });

  test("a blob that has gone costs time and nothing else", async () => {
    for (const key of bucket.objects.keys()) if (key.startsWith("p/blobs/")) bucket.objects.delete(key);
    const built = await importElsewhere(locationOf("s3"));
    expect(outcomes(built)).toEqual(["miss", "miss", "miss"]);
    expect(built.log).toContain("could not be fetched");
  });

  test("keys that are wrong fail an export, and are told at an import; neither shows them", async () => {
    const wrong = [
      withAttributes(locationOf("azblob"), { secret_access_key: Buffer.from("wrong").toString("base64") }),
      withAttributes(locationOf("gha"), { token: "wrong-token" }),
    ];
    for (const location of wrong) {
      const failure = await failureOf(fixture.build(dockerfile, files, { cacheExports: [location] }));
      expect(failure).toMatch(/40[13]/);
      expect(failure).not.toContain("wrong-token");
      const lenient = withAttributes(location, { "ignore-error": "true" });
      expect((await fixture.build(dockerfile, files, { cacheExports: [lenient] })).imageId).not.toBe("");
      expect((await importElsewhere(location)).log).toMatch(/40[13]/);
    }
  });

  test.each([
    ["s3", { region: "" }, "type=s3 needs region"],
    ["s3", { endpoint_url: "ftp://x" }, "endpoint_url is no HTTP address"],
    ["s3", { use_path_style: "maybe" }, "use_path_style=maybe is neither true nor false"],
    ["s3", { touch_refresh: "soon" }, "touch_refresh=soon is no duration"],
    ["s3", { dest: "/x" }, '"dest" is no attribute of type=s3'],
    ["azblob", { secret_access_key: "" }, "type=azblob needs secret_access_key"],
    ["azblob", { name: "" }, "type=azblob needs name"],
    ["gha", { token: "" }, "type=gha needs token"],
    ["gha", { version: "1" }, "GitHub's cache service has but version 2"],
  ])("%s with %j is refused", async (type, attributes, message) => {
    const location = withAttributes(locationOf(type), attributes);
    expect(await failureOf(fixture.build(dockerfile, files, { cacheExports: [location] }))).toContain(message);
  });
});
