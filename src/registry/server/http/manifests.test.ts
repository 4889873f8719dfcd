import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mediaTypes } from "#formats";
import { digestOfText, errorCode, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await startTestRegistry();
});
afterAll(() => registry.close());

const put = (reference: string, document: unknown, type: string = mediaTypes.ociManifest) =>
  registry.send("PUT", `/v2/a/manifests/${reference}`, {
    body: typeof document === "string" ? document : JSON.stringify(document),
    headers: { "content-type": type },
  });

describe("manifests", () => {
  test("come back byte for byte by tag and digest, with their type", async () => {
    const { digest, bytes } = await registry.pushImage("a", "1.0");
    for (const reference of ["1.0", digest]) {
      const response = await registry.send("GET", `/v2/a/manifests/${reference}`);
      expect(await response.text()).toBe(bytes);
      expect(response.headers.get("content-type")).toBe(mediaTypes.ociManifest);
      expect(response.headers.get("docker-content-digest")).toBe(digest);
      const head = await registry.send("HEAD", `/v2/a/manifests/${reference}`);
      expect([head.status, head.headers.get("content-length")]).toEqual([200, String(bytes.length)]);
    }
  });

  test("are given only as a type the client accepts", async () => {
    await registry.pushImage("a", "1.0");
    const ask = (accept: string) => registry.send("GET", "/v2/a/manifests/1.0", { headers: { accept } });
    expect((await ask(`${mediaTypes.dockerManifest}, ${mediaTypes.ociManifest};q=0.5`)).status).toBe(200);
    expect((await ask("*/*")).status).toBe(200);
    expect(await errorCode(await ask(mediaTypes.dockerManifest))).toBe("MANIFEST_UNKNOWN");
  });

  test("that are unknown say whether the repository is", async () => {
    await registry.pushImage("a", "1.0");
    expect(await errorCode(await registry.send("GET", "/v2/a/manifests/none"))).toBe("MANIFEST_UNKNOWN");
    expect(await errorCode(await registry.send("GET", "/v2/none/manifests/none"))).toBe("NAME_UNKNOWN");
  });

  test("of Docker's types, and indexes of both kinds, are kept", async () => {
    const config = await registry.pushBlob("a", "{}");
    const image = {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.dockerConfig, digest: config, size: 2 },
      layers: [],
    };
    expect((await put("docker", image, mediaTypes.dockerManifest)).status).toBe(201);
    const entry = {
      mediaType: mediaTypes.dockerManifest,
      digest: digestOfText(JSON.stringify(image)),
      size: JSON.stringify(image).length,
    };
    for (const type of [mediaTypes.ociIndex, mediaTypes.dockerManifestList]) {
      const index = { schemaVersion: 2, mediaType: type, manifests: [entry] };
      expect((await put("index", index, type)).status).toBe(201);
      expect((await registry.send("GET", "/v2/a/manifests/index")).headers.get("content-type")).toBe(type);
    }
  });

  test("that name what is not there are refused, foreign layers excepted", async () => {
    const config = await registry.pushBlob("a", "{}");
    const absent = digestOfText("absent");
    const layer = { mediaType: mediaTypes.ociLayer, digest: absent, size: 6 };
    const image = (layers: unknown[]) => ({
      schemaVersion: 2,
      config: { mediaType: mediaTypes.ociConfig, digest: config, size: 2 },
      layers,
    });
    const response = await put("x", image([layer]));
    expect([response.status, await errorCode(response)]).toEqual([404, "MANIFEST_BLOB_UNKNOWN"]);
    expect((await put("x", image([{ ...layer, urls: ["https://elsewhere.example/l"] }]))).status).toBe(201);
    const index = { schemaVersion: 2, manifests: [{ ...layer, mediaType: mediaTypes.ociManifest }] };
    expect(await errorCode(await put("x", index, mediaTypes.ociIndex))).toBe("MANIFEST_BLOB_UNKNOWN");
    // Another repository's blob is not this one's.
    const elsewhere = await registry.pushBlob("b", "elsewhere");
    const borrowed = image([{ ...layer, digest: elsewhere, size: 9 }]);
    expect(await errorCode(await put("x", borrowed))).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  test.each([
    ["no JSON", "{", undefined],
    ["no object", "[]", undefined],
    ["not UTF-8", "\u0000", undefined],
    ["schema 1", { schemaVersion: 1, fsLayers: [] }, "application/vnd.docker.distribution.manifest.v1+prettyjws"],
    ["no config", { schemaVersion: 2, layers: [] }, undefined],
    ["another type than its header", { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] }, undefined],
    ["an image and an index", { schemaVersion: 2, config: {}, layers: [], manifests: [] }, undefined],
    ["an index with layers", { schemaVersion: 2, manifests: [], layers: [] }, mediaTypes.ociIndex],
    ["an unknown type", { schemaVersion: 2 }, "application/x-tar"],
    ["no schema version", { manifests: [] }, mediaTypes.ociIndex],
    [
      "a wrong digest",
      { schemaVersion: 2, manifests: [{ mediaType: "x", digest: "sha256:..", size: 1 }] },
      mediaTypes.ociIndex,
    ],
    [
      "a negative size",
      { schemaVersion: 2, manifests: [{ mediaType: "x", digest: digestOfText(""), size: -1 }] },
      mediaTypes.ociIndex,
    ],
  ])("with %s are refused", async (_what, document, type) => {
    const response = await put("bad", document, type ?? mediaTypes.ociManifest);
    expect([response.status, await errorCode(response)]).toEqual([400, "MANIFEST_INVALID"]);
    expect((await registry.send("GET", "/v2/a/manifests/bad")).status).toBe(404);
  });

  test("that lie about a blob's size are refused", async () => {
    const config = await registry.pushBlob("a", "{}");
    const image = { schemaVersion: 2, config: { mediaType: "x", digest: config, size: 3 }, layers: [] };
    expect(await errorCode(await put("bad", image))).toBe("MANIFEST_INVALID");
  });

  test("that are too large are refused, whatever they say of their length", async () => {
    const large = " ".repeat(4 * 1024 * 1024 + 1);
    const response = await put("large", large);
    expect([response.status, await errorCode(response)]).toEqual([413, "SIZE_INVALID"]);
    const stream = new Blob([large]).stream();
    const chunked = await registry.send("PUT", "/v2/a/manifests/large", { body: stream });
    expect(chunked.status).toBe(413);
  });

  test("pushed by digest must have it", async () => {
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
    expect(await errorCode(await put(digestOfText("x"), index, mediaTypes.ociIndex))).toBe("DIGEST_INVALID");
    expect((await put(digestOfText(JSON.stringify(index)), index, mediaTypes.ociIndex)).status).toBe(201);
    expect((await put("tag:with-colon", index)).status).toBe(400);
    expect(await errorCode(await put(".hidden", index))).toBe("TAG_INVALID");
  });

  test("pushed by digest may be tagged in the same request", async () => {
    const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] };
    const digest = digestOfText(JSON.stringify(index));
    const response = await put(`${digest}?tag=one&tag=two`, index, mediaTypes.ociIndex);
    expect([response.status, response.headers.get("oci-tag")]).toEqual([201, "one, two"]);
    for (const tag of ["one", "two"]) {
      const found = await registry.send("HEAD", `/v2/a/manifests/${tag}`);
      expect(found.headers.get("docker-content-digest")).toBe(digest);
    }
    expect(await errorCode(await put(`${digest}?tag=.bad`, index, mediaTypes.ociIndex))).toBe("TAG_INVALID");
  });

  test("that are sparse are taken when the registry is told to", async () => {
    const own = await startTestRegistry({ "accept-sparse": true });
    const entry = { mediaType: mediaTypes.ociManifest, digest: digestOfText("elsewhere"), size: 9 };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] });
    expect((await own.send("PUT", "/v2/a/manifests/1", { body })).status).toBe(201);
    await own.close();
  });

  test("deleted by tag stay by digest; by digest they go with their tags", async () => {
    const { digest } = await registry.pushImage("d", "one");
    await registry.pushImage("d", "two");
    expect((await registry.send("DELETE", "/v2/d/manifests/one")).status).toBe(202);
    expect((await registry.send("GET", "/v2/d/manifests/one")).status).toBe(404);
    expect((await registry.send("GET", `/v2/d/manifests/${digest}`)).status).toBe(200);
    expect((await registry.send("DELETE", `/v2/d/manifests/${digest}`)).status).toBe(202);
    expect((await registry.send("GET", "/v2/d/manifests/two")).status).toBe(404);
    expect(await errorCode(await registry.send("DELETE", `/v2/d/manifests/${digest}`))).toBe("MANIFEST_UNKNOWN");
  });
});

describe("referrers", () => {
  const list = async (path: string) => {
    const response = await registry.send("GET", path);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, mediaTypes.ociIndex]);
    const { manifests } = (await response.json()) as { manifests: { digest: string; artifactType?: string }[] };
    return { manifests, filtered: response.headers.get("oci-filters-applied") };
  };

  test("are found by their subject, also before it exists, and filtered by type", async () => {
    const subject = digestOfText("not yet here");
    const signed = await registry.pushImage("r", "", { subject, artifactType: "application/x-signature" });
    const bill = await registry.pushImage("r", "bill", { subject, layer: "other" });
    const all = await list(`/v2/r/referrers/${subject}`);
    expect(all.manifests.map(({ digest }) => digest).sort()).toEqual([signed.digest, bill.digest].sort());
    expect(all.filtered).toBe(null);
    const some = await list(`/v2/r/referrers/${subject}?artifactType=application/x-signature`);
    expect(some.manifests).toEqual([
      expect.objectContaining({
        digest: signed.digest,
        artifactType: "application/x-signature",
        annotations: { about: "it" },
      }),
    ]);
    expect(some.filtered).toBe("artifactType");
    // Without a type of its own, an image is of its config's.
    expect(all.manifests.find(({ digest }) => digest === bill.digest)?.artifactType).toBe(mediaTypes.ociConfig);
    await registry.send("DELETE", `/v2/r/manifests/${signed.digest}`);
    expect((await list(`/v2/r/referrers/${subject}`)).manifests.length).toBe(1);
  });

  test("of what nobody refers to are none", async () => {
    expect((await list(`/v2/nobody/referrers/${digestOfText("y")}`)).manifests).toEqual([]);
    expect(await errorCode(await registry.send("GET", "/v2/r/referrers/latest"))).toBe("DIGEST_INVALID");
  });

  test("are acknowledged when pushed", async () => {
    const subject = digestOfText("subject");
    const config = await registry.pushBlob("a", "{}");
    const image = {
      schemaVersion: 2,
      config: { mediaType: "x", digest: config, size: 2 },
      layers: [],
      subject: { mediaType: mediaTypes.ociManifest, digest: subject, size: 7 },
    };
    expect((await put("signature", image)).headers.get("oci-subject")).toBe(subject);
  });
});
