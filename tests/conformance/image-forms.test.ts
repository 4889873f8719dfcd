import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "../engines/command.ts";
import { type DockerRegistry, hasDockerRegistry, startDockerRegistry } from "../engines/docker-registry.ts";
import { publishImage } from "../engines/publish-image.ts";
import { sampleLayer } from "../engines/sample-layers.ts";
import { targetIsDockerd, useDaemon } from "./daemon.ts";

/*
 * Images keep the form they came in: what is pulled from one registry is at another, in an archive and at skopeo and podman
 * what it was, to the byte. Docker's daemon of classic image stores packs anew, so nothing here is for it.
 */
const isHere = hasDockerRegistry && !targetIsDockerd;
if (!hasDockerRegistry)
  console.log("image-forms.test.ts is skipped: docker-registry is not installed (scripts/setup --tests)");

const scratch = mkdtempSync(join(tmpdir(), "berth-forms-"));
const first = isHere ? await startDockerRegistry() : undefined;
const second = isHere ? await startDockerRegistry() : undefined;
const [here, there] = [first as DockerRegistry, second as DockerRegistry];

const daemon = useDaemon();

afterAll(async () => {
  await first?.destroy();
  await second?.destroy();
  rmSync(scratch, { recursive: true, force: true });
}, 20_000);

type Manifest = { readonly layers: readonly { readonly digest: string; readonly mediaType: string }[] };

const skopeo = (...words: string[]) => mustRun(["skopeo", ...words], { timeoutMs: 60_000 });
const rawOf = (image: string) => skopeo("inspect", "--raw", "--tls-verify=false", `docker://${image}`);
const digestOf = (text: string | Uint8Array) => `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
const remove = (...names: string[]) => daemon.cli(["rmi", "-f", ...names]);
const layer = (seed: number) => () => sampleLayer({ seed, files: 5, totalBytes: 60_000 });
const uploadsTo = (registry: DockerRegistry) => registry.requests().filter((line) => /^PATCH .*\/blobs\//.test(line));

describe.skipIf(!isHere).each([
  ["gzip", 10],
  ["zstd", 20],
  ["none", 30],
] as const)("an image whose layers came as %s", (compression, seed) => {
  const name = `t/${compression}`;
  const image = () => `${here.host}/${name}:1`;
  let raw: string;
  beforeAll(async () => {
    await publishImage(here.host, name, "1", [layer(seed), layer(seed + 1), layer(seed + 2)], { compression });
    raw = await rawOf(image());
    await daemon.ok("pull", "-q", image());
  }, 30_000);

  test("is pushed to another registry as it is", async () => {
    const copy = `${there.host}/copy/${compression}:1`;
    await daemon.ok("tag", image(), copy);
    const out = await daemon.ok("push", copy);
    expect(out).toContain(`digest: ${digestOf(raw)}`);
    expect(await rawOf(copy)).toBe(raw);
    const before = uploadsTo(there).length;
    await daemon.ok("push", copy);
    expect(uploadsTo(there)).toHaveLength(before);
    await remove(copy);
  });

  test("is saved, read by skopeo, loaded and pushed as it is", async () => {
    const archive = join(scratch, `${compression}.tar`);
    await daemon.ok("save", "-o", archive, image());
    const directory = join(scratch, compression);
    mkdirSync(directory);
    await mustRun(["tar", "-xf", archive, "-C", directory]);
    const index = JSON.parse(readFileSync(join(directory, "index.json"), "utf8")) as {
      manifests: { digest: string }[];
    };
    expect(index.manifests.map(({ digest }) => digest)).toEqual([digestOf(raw)]);
    for (const { digest } of (JSON.parse(raw) as Manifest).layers) {
      expect(digestOf(readFileSync(join(directory, "blobs", digest.replace(":", "/"))))).toBe(digest);
    }
    // As a layout (which skopeo opens by name only where the manifest's type is OCI's) and as a docker-archive.
    const copied = `${there.host}/layout/${compression}:1`;
    await skopeo(
      "copy",
      "-q",
      "--preserve-digests",
      "--dest-tls-verify=false",
      `oci:${directory}`,
      `docker://${copied}`,
    );
    expect(await rawOf(copied)).toBe(raw);
    await skopeo("copy", "-q", `docker-archive:${archive}`, `dir:${join(scratch, `dir-${compression}`)}`);

    await remove(image());
    await daemon.ok("load", "-q", "-i", archive);
    const again = `${there.host}/again/${compression}:1`;
    await daemon.ok("tag", image(), again);
    await daemon.ok("push", again);
    if (compression === "none") expect((JSON.parse(await rawOf(again)) as Manifest).layers).toHaveLength(3);
    else expect(await rawOf(again)).toBe(raw);
    await remove(again);
  });
});

describe.skipIf(!isHere)("an image for several platforms", () => {
  const [mine, other] = process.arch === "arm64" ? ["arm64", "amd64"] : ["amd64", "arm64"];
  const name = "t/multi";
  const image = () => `${here.host}/${name}:1`;
  let raw: string;

  type Summary = {
    Id: string;
    RepoTags: string[];
    Manifests?: { ID: string; Available: boolean; Kind: string; ImageData?: { Platform: { architecture: string } } }[];
  };
  const list = async (query = "") =>
    (await daemon.api("GET", `/images/json?${query}`))
      .json<Summary[]>()
      .filter(({ RepoTags }) => RepoTags.includes(image()));
  const platform = (architecture: string) => encodeURIComponent(JSON.stringify({ os: "linux", architecture }));
  const idOf = async (architecture: string, reference = image()) =>
    (await daemon.api("GET", `/images/${reference}/json?platform=${platform(architecture)}`)).json<{ Id: string }>().Id;

  beforeAll(async () => {
    const manifests = [];
    for (const [at, architecture] of [mine, other, "s390x"].entries()) {
      const published = await publishImage(here.host, name, architecture, [layer(100), layer(101 + at)], {
        config: { architecture },
      });
      const size = Buffer.byteLength(await rawOf(`${here.host}/${name}:${architecture}`));
      const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
      manifests.push({ mediaType, digest: published.digest, size, platform: { architecture, os: "linux" } });
    }
    raw = JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests });
    const put = await fetch(`http://${here.host}/v2/${name}/manifests/1`, {
      method: "PUT",
      headers: { "Content-Type": "application/vnd.oci.image.index.v1+json" },
      body: raw,
    });
    expect(put.status).toBe(201);
  }, 30_000);

  test("keeps what was pulled of it under one name, and means this machine's without being asked", async () => {
    await daemon.ok("pull", "-q", "--platform", `linux/${other}`, image());
    const foreign = (await daemon.inspect<{ Id: string; Architecture: string }>(image())) as { Architecture: string };
    expect(foreign.Architecture).toBe(other);
    await daemon.ok("pull", "-q", image());
    expect((await daemon.inspect<{ Architecture: string }>(image())).Architecture).toBe(mine);
    expect(await idOf(mine)).not.toBe(await idOf(other));
    expect((await daemon.api("GET", `/images/${image()}/json?platform=${platform("riscv64")}`)).status).toBe(404);
    expect((await list()).map(({ Id }) => Id).sort()).toEqual([await idOf(mine), await idOf(other)].sort());
    const again = await daemon.ok("pull", "--platform", `linux/${other}`, image());
    expect(again).toContain("Image is up to date");
    const created = await daemon.ok("create", "--platform", `linux/${other}`, image());
    expect((await daemon.inspect<{ Image: string }>(created)).Image).toBe(await idOf(other));
    await daemon.ok("rm", created);
  });

  test("tells of its manifests, those that are not here too", async () => {
    const [summary, ...rest] = await list("manifests=1");
    expect(rest).toEqual([]);
    const entries = (JSON.parse(raw) as { manifests: { digest: string }[] }).manifests;
    expect(
      summary?.Manifests?.map(({ ID, Available, Kind, ImageData }) => [
        ID,
        Available,
        Kind,
        ImageData?.Platform.architecture,
      ]),
    ).toEqual([
      [entries[0]?.digest, true, "image", mine],
      [entries[1]?.digest, true, "image", other],
      [entries[2]?.digest, false, "image", "s390x"],
    ]);
    const inspected = (await daemon.api("GET", `/images/${image()}/json?manifests=1`)).json<Summary>();
    expect(inspected.Manifests).toEqual(summary?.Manifests ?? []);
    expect(await daemon.ok("images", "--tree")).toContain(`linux/${other}`);
  });

  test("is pushed with those that are here, with one of them, and as it is once all are", async () => {
    const copy = `${there.host}/multi/copy`;
    await daemon.ok("tag", image(), `${copy}:some`);
    await daemon.ok("push", "-q", `${copy}:some`);
    const some = JSON.parse(await rawOf(`${copy}:some`)) as { manifests: { digest: string }[] };
    const entries = (JSON.parse(raw) as { manifests: { digest: string }[] }).manifests;
    expect(some.manifests).toEqual(entries.slice(0, 2));

    await daemon.ok("tag", image(), `${copy}:one`);
    await daemon.ok("push", "-q", "--platform", `linux/${other}`, `${copy}:one`);
    expect(digestOf(await rawOf(`${copy}:one`))).toBe(entries[1]?.digest ?? "");

    await daemon.ok("pull", "-q", "--platform", "linux/s390x", image());
    await daemon.ok("tag", image(), `${copy}:all`);
    expect(await daemon.ok("push", `${copy}:all`)).toContain(`digest: ${digestOf(raw)}`);
    expect(await rawOf(`${copy}:all`)).toBe(raw);
    const before = there.requests().filter((line) => line.startsWith("PUT")).length;
    await daemon.ok("push", "-q", `${copy}:all`);
    expect(there.requests().filter((line) => line.startsWith("PUT"))).toHaveLength(before);
    await remove(`${copy}:some`, `${copy}:one`, `${copy}:all`);
  });

  test("is saved whole and loaded whole, or one of it", async () => {
    const archive = join(scratch, "multi.tar");
    await daemon.ok("save", "-o", archive, image());
    const [a, b, c] = [await idOf(mine), await idOf(other), await idOf("s390x")];
    // skopeo reads the layout, all of it, and finds nothing wrong.
    const directory = join(scratch, "multi");
    mkdirSync(directory);
    await mustRun(["tar", "-xf", archive, "-C", directory]);
    const copied = `${there.host}/multi/skopeo:1`;
    await skopeo(
      "copy",
      "-q",
      "--all",
      "--preserve-digests",
      "--dest-tls-verify=false",
      `oci:${directory}:1`,
      `docker://${copied}`,
    );
    expect(await rawOf(copied)).toBe(raw);
    // And writes one that is read here.
    const theirs = join(scratch, "theirs.tar");
    await skopeo(
      "copy",
      "-q",
      "--all",
      "--src-tls-verify=false",
      `docker://${copied}`,
      `oci-archive:${theirs}:x/multi:2`,
    );

    await remove(image());
    expect(await list()).toEqual([]);
    await daemon.ok("load", "-q", "-i", archive);
    expect([await idOf(mine), await idOf(other), await idOf("s390x")]).toEqual([a, b, c]);
    const again = `${there.host}/multi/again:1`;
    await daemon.ok("tag", image(), again);
    await daemon.ok("push", "-q", again);
    expect(await rawOf(again)).toBe(raw);
    await remove(image(), again);

    await daemon.ok("load", "-q", "--platform", `linux/${other}`, "-i", archive);
    expect((await list()).map(({ Id }) => Id)).toEqual([b]);
    await remove(image());
    await daemon.ok("load", "-q", "-i", theirs);
    expect([await idOf(mine, "x/multi:2"), await idOf("s390x", "x/multi:2")]).toEqual([a, c]);
    const one = join(scratch, "one.tar");
    await daemon.ok("save", "--platform", `linux/${other}`, "-o", one, "x/multi:2");
    await remove("x/multi:2");
    await daemon.ok("load", "-q", "-i", one);
    expect((await daemon.inspect<{ Id: string }>("x/multi:2")).Id).toBe(b);
    await remove("x/multi:2");
  });

  test("loses one platform, or all with its name", async () => {
    await daemon.ok("pull", "-q", image());
    await daemon.ok("pull", "-q", "--platform", `linux/${other}`, image());
    const foreign = await idOf(other);
    const removed = await daemon.api("DELETE", `/images/${image()}?platforms=${platform(other)}`);
    expect(removed.status).toBe(200);
    expect(removed.json<object[]>()).toContainEqual({ Deleted: foreign });
    expect((await list()).map(({ Id }) => Id)).toEqual([await idOf(mine)]);
    await daemon.ok("pull", "-q", "--platform", `linux/${other}`, image());
    const container = await daemon.ok("create", "--platform", `linux/${other}`, image());
    const used = await daemon.cli(["rmi", image()]);
    expect(used.stderr).toContain("is using its referenced image");
    await daemon.ok("rm", container);
    const out = await daemon.ok("rmi", image());
    expect(out).toContain(`Untagged: ${image()}`);
    expect(out.match(/Deleted: sha256/g)?.length).toBeGreaterThanOrEqual(2 + 3);
    expect(await list()).toEqual([]);
  });
});
