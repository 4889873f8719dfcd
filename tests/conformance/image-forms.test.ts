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
