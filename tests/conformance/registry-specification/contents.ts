import { expect } from "bun:test";
import { randomBytes } from "node:crypto";
import type { SpecificationClient } from "./client.ts";
import { createSampleSet, digestOf, type SampleSet, types } from "./samples.ts";
import { expectDigest, pushBlob, uploadWays } from "./uploads.ts";

const note = { "org.example.specification": "a note" };
const artifact = { emptyConfig: true, layers: 1, layerType: types.firstArtifact } as const;

function set(fill: (samples: SampleSet) => void): SampleSet {
  const samples = createSampleSet();
  fill(samples);
  return samples;
}

/** What a registry has to keep, by name; each is pushed, listed, read, asked for its referrers, and deleted. */
export const sampleSets: Readonly<Record<string, () => SampleSet>> = {
  "an image": () => set((samples) => void samples.addImage({ tag: "image" })),
  "an image with uncompressed layers": () =>
    set((samples) => void samples.addImage({ tag: "plain", layerType: "application/vnd.oci.image.layer.v1.tar" })),
  "a manifest of almost four megabytes": () =>
    set((samples) => {
      const annotations = Object.fromEntries(
        Array.from({ length: 390 }, (_, index) => [`large-annotation-${index}`, "A".repeat(10_000)]),
      );
      samples.addImage({ tag: "large-manifest", annotations });
    }),
  "an index": () => set((samples) => void samples.addPlatforms({ tag: "index" })),
  "an index of indexes": () =>
    set((samples) => {
      const inner = [samples.addPlatforms(), samples.addPlatforms()];
      samples.addIndex(inner, { tag: "index-of-indexes" });
    }),
  "an index of nothing": () => set((samples) => void samples.addIndex([], { tag: "empty-index" })),
  "an artifact": () =>
    set((samples) => void samples.addImage({ ...artifact, tag: "artifact", artifactType: types.firstArtifact })),
  "an index of artifacts": () =>
    set((samples) => {
      samples.addPlatforms({ ...artifact, tag: "artifact-index", artifactType: types.firstArtifact });
    }),
  "an artifact of nothing": () =>
    set((samples) => {
      const nothing = { emptyConfig: true, layers: 1, layerBytes: Buffer.from("{}"), layerType: types.empty };
      samples.addImage({ ...nothing, tag: "artifact-of-nothing", artifactType: types.firstArtifact });
    }),
  "artifacts about an image": () =>
    set((samples) => {
      const subject = samples.addImage({ tag: "image" });
      samples.addImage({ subject });
      for (const [index, artifactType] of [types.firstArtifact, types.secondArtifact].entries()) {
        const annotations = { ...note, [`org.example.${randomBytes(6).toString("hex")}`]: "only here" };
        samples.addImage({ ...artifact, artifactType, annotations, subject, tag: `about-${index}` });
      }
    }),
  "an index about an index": () =>
    set((samples) => {
      const subject = samples.addPlatforms({ tag: "index" });
      samples.addPlatforms({
        ...artifact,
        artifactType: types.firstArtifact,
        annotations: note,
        subject,
        tag: "about-the-index",
      });
    }),
  "an artifact about what is not there": () =>
    set((samples) => {
      const subject = { mediaType: types.manifest, size: 123, digest: digestOf(randomBytes(123)) };
      samples.addImage({ ...artifact, artifactType: types.firstArtifact, annotations: note, subject, tag: "about" });
    }),
  "descriptors with data": () => set((samples) => void samples.addImage({ tag: "data", withData: true })),
  "layers from elsewhere": () =>
    set((samples) => {
      const foreign = Array.from({ length: 2 }, () => {
        const digest = digestOf(randomBytes(100));
        const urls = [`https://store.example.com/blobs/${digest}`];
        return { mediaType: types.foreignLayer, digest, size: 123_456, urls };
      });
      samples.addImage({ tag: "elsewhere", layers: [...foreign, samples.addBlob(randomBytes(900), types.layer)] });
    }),
  "fields nobody knows": () =>
    set((samples) => void samples.addPlatforms({ tag: "unknown-fields", withUnknownFields: true })),
  "no layers": () => set((samples) => void samples.addImage({ tag: "no-layers", layers: 0 })),
  "sha512 digests": () => set((samples) => void samples.addPlatforms({ algorithm: "sha512" })),
};

const readable = { accept: `${types.index}, ${types.manifest}` };

async function putManifests(client: SpecificationClient, repository: string, samples: SampleSet): Promise<void> {
  const put = async (reference: string, { bytes, digest, mediaType, subject }: SampleSet["manifests"][number]) => {
    const done = await client.send("PUT", `/v2/${repository}/manifests/${reference}`, {
      headers: { "content-type": mediaType },
      body: bytes,
      streamed: true,
    });
    expect(done.status).toBe(201);
    expectDigest(done, digest);
    expect(done.headers.get("oci-subject")).toBe(subject ?? null);
    const back = await client.send("GET", done.headers.get("location") ?? "", { headers: readable });
    expect([back.status, back.headers.get("content-type")]).toEqual([200, mediaType]);
    expect(back.body.equals(bytes)).toBe(true);
  };
  for (const manifest of samples.manifests) await put(manifest.digest, manifest);
  for (const [tag, digest] of samples.tags) {
    const manifest = samples.manifests.find((candidate) => candidate.digest === digest);
    if (manifest !== undefined) await put(tag, manifest);
  }
}

/** Pushes everything of a set, its blobs in all ways in turn. */
export async function pushSamples(client: SpecificationClient, repository: string, samples: SampleSet): Promise<void> {
  let turn = 0;
  for (const [digest, bytes] of samples.blobs) {
    await pushBlob(client, repository, bytes, digest, uploadWays[turn++ % uploadWays.length]);
  }
  await putManifests(client, repository, samples);
}

/** The tags are listed, all and those behind one of them. */
async function expectListed(client: SpecificationClient, repository: string, samples: SampleSet): Promise<void> {
  const list = async (query: Record<string, string> = {}) => {
    const answer = await client.send("GET", `/v2/${repository}/tags/list`, { query });
    expect(answer.status).toBe(200);
    return (JSON.parse(answer.body.toString()) as { tags: string[] }).tags;
  };
  const tags = await list();
  expect(tags).toEqual(expect.arrayContaining([...samples.tags.keys()]));
  if (tags.length < 2) return;
  const sorted = tags.toSorted();
  const end = Math.floor(sorted.length / 2);
  expect((await list({ last: sorted[end - 1] ?? "" })).toSorted()).toEqual(sorted.slice(end));
}

/** Every manifest by digest and tag and every blob, by HEAD and GET. */
export async function expectReadable(
  client: SpecificationClient,
  repository: string,
  samples: SampleSet,
): Promise<void> {
  const read = async (path: string, bytes: Buffer, digest: string, mediaType: string | undefined) => {
    for (const method of ["HEAD", "GET"]) {
      const answer = await client.send(method, path, mediaType === undefined ? {} : { headers: readable });
      expect([method, path, answer.status]).toEqual([method, path, 200]);
      expect(answer.headers.get("content-length")).toBe(String(bytes.length));
      if (mediaType !== undefined) expect(answer.headers.get("content-type")).toBe(mediaType);
      expectDigest(answer, digest);
      expect(answer.body.equals(method === "GET" ? bytes : Buffer.alloc(0))).toBe(true);
    }
  };
  for (const { digest, bytes, mediaType } of samples.manifests) {
    const tags = [...samples.tags].filter(([, tagged]) => tagged === digest).map(([tag]) => tag);
    for (const reference of [digest, ...tags]) {
      await read(`/v2/${repository}/manifests/${reference}`, bytes, digest, mediaType);
    }
  }
  for (const [digest, bytes] of samples.blobs) {
    await read(`/v2/${repository}/blobs/${digest}`, bytes, digest, undefined);
  }
}

type Listed = {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Record<string, string>;
};

/** What refers to a subject, with or without a filter. */
export async function listReferrers(
  client: SpecificationClient,
  repository: string,
  subject: string,
  artifactType?: string,
): Promise<readonly Listed[]> {
  const query: Record<string, string> = artifactType === undefined ? {} : { artifactType };
  const answer = await client.send("GET", `/v2/${repository}/referrers/${subject}`, { query });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, types.index]);
  if (artifactType !== undefined) expect(answer.headers.get("oci-filters-applied")).toBe("artifactType");
  const index = JSON.parse(answer.body.toString()) as { mediaType: string; schemaVersion: number; manifests: Listed[] };
  expect([index.mediaType, index.schemaVersion]).toEqual([types.index, 2]);
  return index.manifests;
}

async function expectReferrers(client: SpecificationClient, repository: string, samples: SampleSet): Promise<void> {
  const byDigest = (left: Listed, right: Listed) => (left.digest < right.digest ? -1 : 1);
  for (const subject of new Set(samples.manifests.flatMap((manifest) => manifest.subject ?? []))) {
    const wanted: Listed[] = samples.manifests
      .filter((manifest) => manifest.subject === subject)
      .map(({ digest, mediaType, bytes, artifactType, annotations }) => ({
        digest,
        mediaType,
        size: bytes.length,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(annotations === undefined ? {} : { annotations }),
      }));
    expect((await listReferrers(client, repository, subject)).toSorted(byDigest)).toEqual(wanted.toSorted(byDigest));
    for (const artifactType of new Set(wanted.flatMap((entry) => entry.artifactType ?? []))) {
      const filtered = await listReferrers(client, repository, subject, artifactType);
      expect(filtered.toSorted(byDigest)).toEqual(
        wanted.filter((entry) => entry.artifactType === artifactType).toSorted(byDigest),
      );
    }
  }
}

/** Deletes tags, manifests and blobs; each is gone with the answer. */
export async function deleteSamples(
  client: SpecificationClient,
  repository: string,
  samples: SampleSet,
): Promise<void> {
  const drop = async (path: string) => {
    expect([path, (await client.send("DELETE", path)).status]).toEqual([path, 202]);
    expect([path, (await client.send("HEAD", path, { headers: readable })).status]).toEqual([path, 404]);
  };
  for (const tag of samples.tags.keys()) await drop(`/v2/${repository}/manifests/${tag}`);
  for (const { digest } of samples.manifests.toReversed()) await drop(`/v2/${repository}/manifests/${digest}`);
  for (const digest of samples.blobs.keys()) await drop(`/v2/${repository}/blobs/${digest}`);
}

/** The life of a set in a registry. */
export async function liveThrough(client: SpecificationClient, repository: string, samples: SampleSet): Promise<void> {
  await pushSamples(client, repository, samples);
  if (samples.tags.size > 0) await expectListed(client, repository, samples);
  await expectReadable(client, repository, samples);
  await expectReferrers(client, repository, samples);
  await deleteSamples(client, repository, samples);
}
