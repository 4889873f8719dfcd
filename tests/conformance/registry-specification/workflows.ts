import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { SpecificationClient } from "./client.ts";
import { deleteSamples, expectReadable, listReferrers, pushSamples } from "./contents.ts";
import { createSampleSet, digestOf, types } from "./samples.ts";
import { pushBlob } from "./uploads.ts";

type Setup = { readonly client: () => SpecificationClient; readonly repository: string; readonly other: string };

const manifestHeaders = { "content-type": types.manifest };

/** The codes of the specification ("Error Codes"), which an answer's first error must have one of. */
const codes = new Set(
  "BLOB_UNKNOWN BLOB_UPLOAD_INVALID BLOB_UPLOAD_UNKNOWN DIGEST_INVALID MANIFEST_BLOB_UNKNOWN MANIFEST_INVALID MANIFEST_UNKNOWN NAME_INVALID NAME_UNKNOWN SIZE_INVALID UNAUTHORIZED DENIED UNSUPPORTED TOOMANYREQUESTS".split(
    " ",
  ),
);

/** Tests of the specification's four workflows, as a client goes through them. */
export function testWorkflows({ client, repository, other }: Setup): void {
  const send: SpecificationClient["send"] = (...request) => client().send(...request);

  test("pull: blobs and manifests by HEAD and GET, what is not there, and errors in the specification's form", async () => {
    const samples = createSampleSet();
    samples.addImage({ tag: "pulled" });
    samples.addImage();
    await pushSamples(client(), repository, samples);
    await expectReadable(client(), repository, samples);
    const absent = digestOf(randomBytes(20));
    for (const method of ["HEAD", "GET"]) {
      for (const path of [
        `blobs/${absent}`,
        `manifests/${absent}`,
        "manifests/.INVALID_MANIFEST_NAME",
        "manifests/no",
      ]) {
        const { status } = await send(method, `/v2/${repository}/${path}`);
        expect([path, status]).toEqual([path, 404]);
      }
    }
    const malformed = await send("GET", `/v2/${repository}/manifests/sha256:totallywrong`);
    expect([400, 404]).toContain(malformed.status);
    const { errors } = JSON.parse(malformed.body.toString()) as { errors: { code: string; message: string }[] };
    expect(codes.has(errors[0]?.code ?? "")).toBe(true);
    await deleteSamples(client(), repository, samples);
  });

  test("push: retried and stale chunks, mounts, several tags of a manifest", async () => {
    const bytes = randomBytes(42);
    const digest = digestOf(bytes);
    const begun = await send("POST", `/v2/${repository}/blobs/uploads/`);
    const first = begun.headers.get("location") ?? "";
    const chunk = { headers: { "content-range": "0-2" }, body: bytes.subarray(0, 3) };
    expect((await send("PATCH", first, chunk)).headers.get("range")).toBe("0-2");
    expect((await send("PATCH", first, chunk)).status).toBe(416);
    const stale = await send("GET", first);
    expect([stale.status, stale.headers.get("range")]).toEqual([204, "0-2"]);
    const second = await send("PATCH", stale.headers.get("location") ?? "", {
      headers: { "content-range": "3-41" },
      body: bytes.subarray(3),
    });
    expect([second.status, second.headers.get("range")]).toEqual([202, "0-41"]);
    expect((await send("PUT", second.headers.get("location") ?? "", { query: { digest } })).status).toBe(201);
    const mounted = await send("POST", `/v2/${other}/blobs/uploads/`, { query: { mount: digest, from: repository } });
    expect([mounted.status, new URL(mounted.headers.get("location") ?? "", "http://x").pathname]).toEqual([
      201,
      `/v2/${other}/blobs/${digest}`,
    ]);
    const samples = createSampleSet();
    samples.addImage({ tag: "test0" });
    for (const tag of ["test1", "test2", "test3"]) samples.tags.set(tag, samples.manifests[0]?.digest ?? "");
    await pushSamples(client(), repository, samples);
    await expectReadable(client(), repository, samples);
    // While a manifest names a blob: taking it away is allowed, and it is gone.
    const config = [...samples.blobs.keys()].at(-1) ?? "";
    expect((await send("DELETE", `/v2/${repository}/blobs/${config}`)).status).toBe(202);
    samples.blobs.delete(config);
    await deleteSamples(client(), repository, samples);
    for (const name of [repository, other]) {
      expect((await send("DELETE", `/v2/${name}/blobs/${digest}`)).status).toBe(202);
    }
  });

  test("content discovery: pages of tags, and referrers pushed before and after their subject", async () => {
    const name = `${repository}/discovered`;
    const samples = createSampleSet();
    const subject = samples.addImage({ tag: "test0" });
    for (const tag of ["test1", "test2", "test3"]) samples.tags.set(tag, subject.digest);
    const page = async (query: Record<string, string>) => {
      const answer = await send("GET", `/v2/${name}/tags/list`, { query });
      expect(answer.status).toBe(200);
      return { ...(JSON.parse(answer.body.toString()) as { name: string; tags: string[] }), answer };
    };
    const referrers = createSampleSet();
    const about = (artifactType: string) =>
      referrers.addImage({ subject, artifactType, emptyConfig: true, layers: 1, annotations: { about: artifactType } });
    const before = [about(types.firstArtifact), about(types.firstArtifact)];
    referrers.addIndex(before, { subject, artifactType: types.secondArtifact, annotations: { about: "an index" } });
    await pushSamples(client(), name, referrers);
    expect(await listReferrers(client(), name, subject.digest)).toHaveLength(3);
    await pushSamples(client(), name, samples);
    expect(await listReferrers(client(), name, subject.digest)).toHaveLength(3);
    expect(await listReferrers(client(), name, subject.digest, types.firstArtifact)).toHaveLength(2);
    expect(await listReferrers(client(), name, digestOf(randomBytes(20)))).toEqual([]);

    expect((await page({})).tags).toEqual(["test0", "test1", "test2", "test3"]);
    const { tags, answer } = await page({ n: "2" });
    expect(tags).toEqual(["test0", "test1"]);
    const next = /^<([^>]+)>; ?rel="?next"?$/.exec(answer.headers.get("link") ?? "")?.[1] ?? "";
    const rest = JSON.parse((await send("GET", next)).body.toString()) as { tags: string[] };
    expect(rest.tags).toEqual(["test2", "test3"]);
    expect((await page({ n: "2", last: "test1" })).tags).toEqual(["test2", "test3"]);
    expect((await page({ n: "0" })).tags).toEqual([]);
    await deleteSamples(client(), name, referrers);
    expect(await listReferrers(client(), name, subject.digest)).toEqual([]);
    await deleteSamples(client(), name, samples);
  });

  test("content management: a tag is removed alone, a manifest with its tags, a blob for itself", async () => {
    const name = `${repository}/managed`;
    const samples = createSampleSet();
    const { digest } = samples.addImage({ tag: "one" });
    samples.tags.set("two", digest);
    await pushSamples(client(), name, samples);
    const tags = async () => {
      const answer = await send("GET", `/v2/${name}/tags/list`);
      return answer.status === 404 ? [] : (JSON.parse(answer.body.toString()) as { tags: string[] }).tags;
    };
    const status = async (method: string, path: string) => (await send(method, `/v2/${name}/${path}`)).status;
    expect(await tags()).toEqual(["one", "two"]);
    expect(await status("DELETE", "manifests/one")).toBe(202);
    expect([await tags(), await status("GET", `manifests/${digest}`)]).toEqual([["two"], 200]);
    expect(await status("DELETE", `manifests/${digest}`)).toBe(202);
    expect([await tags(), await status("GET", `manifests/${digest}`)]).toEqual([[], 404]);
    expect(await status("DELETE", `manifests/${digest}`)).toBe(404);
    for (const blob of samples.blobs.keys()) {
      expect([await status("DELETE", `blobs/${blob}`), await status("GET", `blobs/${blob}`)]).toEqual([202, 404]);
    }
  });

  test("a manifest that is not what its digest says is refused, and so are malformed digests", async () => {
    const samples = createSampleSet();
    const { digest } = samples.addImage();
    const [manifest] = samples.manifests;
    for (const [blob, bytes] of samples.blobs) await pushBlob(client(), repository, bytes, blob);
    const put = (reference: string, body: Buffer) =>
      send("PUT", `/v2/${repository}/manifests/${reference}`, { headers: manifestHeaders, body });
    const bytes = manifest?.bytes ?? Buffer.alloc(0);
    expect((await put(digest, Buffer.concat([bytes, Buffer.from("  ")]))).status).toBe(400);
    expect((await put("sha256:baddigeststring", bytes)).status).toBe(400);
    for (const reference of [digest, digestOf(randomBytes(9)), "missing-tag"]) {
      expect((await send("GET", `/v2/${repository}/manifests/${reference}`)).status).toBe(404);
    }
    for (const blob of samples.blobs.keys()) await send("DELETE", `/v2/${repository}/blobs/${blob}`);
  });

  test("a manifest pushed by digest is tagged in the same request", async () => {
    const samples = createSampleSet();
    for (const algorithm of ["sha256", "sha512"] as const) {
      const { digest } = samples.addImage({ algorithm });
      const [manifest] = samples.manifests.slice(-1);
      for (const [blob, bytes] of samples.blobs) await pushBlob(client(), repository, bytes, blob);
      const tags = [`${algorithm}-a`, `${algorithm}-b`];
      const query = new URLSearchParams(tags.map((tag): [string, string] => ["tag", tag]));
      const body = manifest?.bytes ?? Buffer.alloc(0);
      const done = await send("PUT", `/v2/${repository}/manifests/${digest}`, {
        headers: manifestHeaders,
        query,
        body,
      });
      expect([done.status, done.headers.get("oci-tag")]).toEqual([201, tags.join(", ")]);
      for (const tag of tags) samples.tags.set(tag, digest);
    }
    await expectReadable(client(), repository, samples);
    await deleteSamples(client(), repository, samples);
  });
}
