import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificates, makeCertificates } from "../engines/certificates.ts";
import { mustRun, runCommand } from "../engines/command.ts";
import { type DockerRegistry, hasDockerRegistry, startDockerRegistry } from "../engines/docker-registry.ts";
import { berthBinary } from "../engines/engine.ts";
import { publishImage } from "../engines/publish-image.ts";
import { sampleLayer } from "../engines/sample-layers.ts";
import { startTokenService, type TokenService } from "../engines/token-service.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * Pull and push against Debian's docker-registry, beside podman and skopeo. The images are made byte by byte, so that
 * what arrives can be compared with what was sent.
 */
if (!hasDockerRegistry)
  console.log("registries.test.ts is skipped: docker-registry is not installed (scripts/setup --tests)");

const scratch = mkdtempSync(join(tmpdir(), "berth-registries-"));
const certificateRoot = join(scratch, "certs.d");
mkdirSync(certificateRoot);
const plain = hasDockerRegistry ? await startDockerRegistry() : undefined;
const registry = plain as DockerRegistry;

const daemon = useDaemon({
  flags: targetIsDockerd
    ? []
    : [
        "--registry-certs",
        certificateRoot,
        "--registry-mirror",
        "http://127.0.0.1:9",
        "--registry-mirror",
        `http://${plain?.host ?? "127.0.0.1:9"}`,
        "--insecure-registry",
        "10.9.0.0/16",
        "--insecure-registry",
        "registry.lan:5000",
      ],
});

afterAll(async () => {
  await plain?.destroy();
  rmSync(scratch, { recursive: true, force: true });
}, 20_000);

const inspectImage = async (name: string) =>
  (await daemon.api("GET", `/images/${name}/json`)).json<{
    Id: string;
    RepoTags: string[];
    RepoDigests: string[];
    RootFS: { Layers: string[] };
  }>();
const removeImages = async (...names: string[]) => void (await daemon.cli(["rmi", "-f", ...names]));
const requestsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
  const before = registry.requests().length;
  await work();
  // The log is written a moment after the answer.
  await Bun.sleep(50);
  return registry.requests().slice(before);
};
const layers = Array.from(
  { length: 12 },
  (_, index) => () => sampleLayer({ seed: 50 + index, files: 20 + index, totalBytes: 400_000 }),
);
const skopeo = (...words: string[]) => mustRun(["skopeo", ...words]);

describe.skipIf(!hasDockerRegistry)("an image of twelve layers", () => {
  let published: Awaited<ReturnType<typeof publishImage>>;
  const image = () => `${registry.host}/t/twelve:1`;
  beforeAll(async () => {
    published = await publishImage(registry.host, "t/twelve", "1", layers);
  }, 30_000);

  test("is pulled with its digest and all its layers", async () => {
    const out = await daemon.ok("pull", image());
    expect(out).toContain("1: Pulling from t/twelve");
    expect(out.match(/: Pull complete/g)).toHaveLength(12);
    expect(out).toContain(`Digest: ${published.digest}\nStatus: Downloaded newer image for ${image()}`);
    const document = await inspectImage(image());
    expect(document.RepoDigests).toEqual([`${registry.host}/t/twelve@${published.digest}`]);
    expect(document.RootFS.Layers).toEqual([...published.diffIds]);
    expect(await daemon.ok("pull", image())).toContain("Status: Image is up to date for");
  });

  test("is not asked for again when nothing has changed", async () => {
    await daemon.ok("pull", image());
    const requests = await requestsOf(() => daemon.ok("pull", image()));
    expect(requests.filter((request) => request.includes("/blobs/"))).toEqual([]);
  });

  test("is saved with the very layers that were published", async () => {
    await daemon.ok("pull", image());
    const directory = join(scratch, "saved");
    mkdirSync(directory);
    await daemon.ok("save", "-o", join(scratch, "saved.tar"), image());
    await mustRun(["tar", "-xf", join(scratch, "saved.tar"), "-C", directory]);
    const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as { Layers: string[] }[];
    const digests = (manifest[0]?.Layers ?? []).map((path) => {
      const bytes = readFileSync(join(directory, path));
      // As they came here, without compression there.
      const tar = targetIsDockerd ? bytes : Bun.gunzipSync(bytes);
      return `sha256:${new Bun.CryptoHasher("sha256").update(tar).digest("hex")}`;
    });
    expect(digests).toEqual([...published.diffIds]);
  });

  test("is pushed back without a blob, and keeps its digest", async () => {
    await daemon.ok("pull", image());
    const requests = await requestsOf(() => daemon.ok("push", image()));
    expect(requests.filter((request) => /^(?:POST|PATCH|PUT) .*\/blobs\//.test(request))).toEqual([]);
    const out = await daemon.ok("push", image());
    expect(out).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+/);
    // Docker's own daemon writes the manifest anew.
    if (!targetIsDockerd) expect(out).toContain(`1: digest: ${published.digest} size:`);
  });

  test("is mounted into another repository of the registry, and keeps its digest", async () => {
    await daemon.ok("pull", image());
    const other = `${registry.host}/t/${uniqueName("other")}:1`;
    await daemon.ok("tag", image(), other);
    let out = "";
    const requests = await requestsOf(async () => (out = await daemon.ok("push", other)));
    expect(out.match(/: Mounted from t\/twelve/g)).toHaveLength(12);
    if (!targetIsDockerd) expect(out).toContain(`digest: ${published.digest}`);
    // The config alone travels: it is no layer, and no registry mounts what nobody remembers.
    expect(requests.filter((request) => request.startsWith("PATCH"))).toHaveLength(1);
    if (!targetIsDockerd) {
      expect((await inspectImage(image())).RepoDigests.toSorted()).toEqual(
        [`${registry.host}/t/twelve@${published.digest}`, `${other.replace(/:1$/, "")}@${published.digest}`].toSorted(),
      );
    }
    await removeImages(other);
  });

  test("that skopeo and podman pushed is pulled byte for byte, and the other way round", async () => {
    const base = `docker://${registry.host}/t`;
    await skopeo(
      "copy",
      "-q",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `${base}/twelve:1`,
      `${base}/skopeo:1`,
    );
    await daemon.ok("pull", `${registry.host}/t/skopeo:1`);
    expect((await inspectImage(`${registry.host}/t/skopeo:1`)).Id).toBe((await inspectImage(image())).Id);
    const roots = ["--root", join(scratch, "podman"), "--runroot", join(scratch, "podman-run"), "--storage-driver=vfs"];
    const podman = (...words: string[]) => mustRun(["podman", ...roots, ...words], { timeoutMs: 60_000 });
    try {
      const ours = `${registry.host}/t/${uniqueName("ours")}:1`;
      // Nothing of it is at the registry: it is packed here.
      const tar = Buffer.concat([...sampleLayer({ seed: 77, files: 40, totalBytes: 3_000_000 })]);
      writeFileSync(join(scratch, "fresh.tar"), tar);
      await daemon.ok("import", join(scratch, "fresh.tar"), ours);
      const out = await daemon.ok("push", ours);
      expect(out).toContain(": Pushed");
      await podman("pull", "-q", "--tls-verify=false", ours);
      const id = (await podman("image", "inspect", "-f", "{{.Id}}", ours)).trim();
      expect((await inspectImage(ours)).Id).toBe(`sha256:${id}`);
      const files = await podman("run", "--rm", "--network=none", "--rootfs", "/", "true").catch(() => "");
      expect(files).toBe("");
      const theirs = `${registry.host}/t/${uniqueName("theirs")}:1`;
      await podman("push", "-q", "--tls-verify=false", ours, theirs);
      await removeImages(ours);
      await daemon.ok("pull", theirs);
      expect((await inspectImage(theirs)).RootFS.Layers).toEqual([
        `sha256:${new Bun.CryptoHasher("sha256").update(tar).digest("hex")}`,
      ]);
      // What we packed skopeo unpacks to the same bytes.
      await skopeo("copy", "-q", "--src-tls-verify=false", `docker://${theirs}`, `oci:${join(scratch, "oci")}:x`);
      expect(readdirSync(join(scratch, "oci/blobs/sha256")).length).toBe(3);
      await removeImages(theirs, `${registry.host}/t/skopeo:1`);
    } finally {
      await runCommand(["podman", ...roots, "system", "reset", "-f"]);
    }
  }, 90_000);

  test("keeps what came through when one layer is missing, and fetches only that afterwards", async () => {
    await removeImages(image(), `${registry.host}/t/twelve@${published.digest}`);
    const name = uniqueName("holes");
    await publishImage(registry.host, `t/${name}`, "1", [
      ...layers.slice(0, 3),
      () => sampleLayer({ seed: 901, files: 3, totalBytes: 90_000 }),
    ]);
    const manifest = JSON.parse(
      await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/t/${name}:1`),
    ) as { layers: { digest: string }[] };
    const last = manifest.layers[3]?.digest.replace("sha256:", "") ?? "";
    const blob = join(registry.directory, "data/docker/registry/v2/blobs/sha256", last.slice(0, 2), last, "data");
    const bytes = readFileSync(blob);
    rmSync(blob);
    const failed = await daemon.cli(["pull", `${registry.host}/t/${name}:1`]);
    expect(failed.exitCode).toBe(1);
    expect((await daemon.cli(["image", "inspect", `${registry.host}/t/${name}:1`])).exitCode).toBe(1);
    writeFileSync(blob, bytes);
    const requests = await requestsOf(() => daemon.ok("pull", `${registry.host}/t/${name}:1`));
    const fetched = requests.filter((request) => request.startsWith("GET") && request.includes("/blobs/"));
    if (!targetIsDockerd) expect(fetched.length).toBeLessThanOrEqual(2 + 3);
    expect(fetched.some((request) => request.includes(last))).toBe(true);
    await removeImages(`${registry.host}/t/${name}:1`);
  });
});

describe.skipIf(!hasDockerRegistry)("pull", () => {
  beforeAll(async () => {
    const small = (seed: number) => () => sampleLayer({ seed, files: 2, totalBytes: 5000 });
    await publishImage(registry.host, "t/small", "1", [small(1)]);
    await publishImage(registry.host, "t/small", "2", [small(1), small(2)]);
    await publishImage(registry.host, "t/plain", "1", [small(3)], { compression: "none" });
    await publishImage(registry.host, "t/zstd", "1", [small(4)], { compression: "zstd" });
    await publishImage(registry.host, "library/mirrored", "latest", [small(5)]);
  }, 20_000);

  test("of a repository with -a brings every tag", async () => {
    const out = await daemon.ok("pull", "-a", `${registry.host}/t/small`);
    expect(out).toContain("1: Pulling from t/small");
    expect(out).toContain("2: Pulling from t/small");
    expect((await daemon.ok("images", "-q", `${registry.host}/t/small`)).split("\n")).toHaveLength(2);
    await removeImages(`${registry.host}/t/small:1`, `${registry.host}/t/small:2`);
  });

  test("by digest makes an image without a tag", async () => {
    const raw = await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/t/small:1`);
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update(raw).digest("hex")}`;
    const name = `${registry.host}/t/small@${digest}`;
    expect(await daemon.ok("pull", "-q", name)).toBe(name);
    const document = await inspectImage(name);
    expect([document.RepoTags, document.RepoDigests]).toEqual([[], [name]]);
    // That it is here does not mean that another repository has it (moby, TestImagePullStoredDigestForOtherRepo).
    const other = `${registry.host}/t/elsewhere@${digest}`;
    const asked = await requestsOf(async () => expect((await daemon.cli(["pull", other])).exitCode).toBe(1));
    expect(asked.some((line) => line.includes(`/t/elsewhere/manifests/${digest}`))).toBe(true);
    expect((await inspectImage(name)).RepoDigests).toEqual([name]);
    await removeImages(name);
  });

  test.skipIf(targetIsDockerd)("takes uncompressed and zstd layers", async () => {
    for (const name of ["plain", "zstd"]) {
      await daemon.ok("pull", "-q", `${registry.host}/t/${name}:1`);
      await removeImages(`${registry.host}/t/${name}:1`);
    }
  });

  test("answers 404 before anything else when the registry has no such image", async () => {
    const tag = await daemon.api("POST", `/images/create?fromImage=${registry.host}/t/small&tag=none`);
    expect(tag.status).toBe(404);
    expect(tag.json<{ message: string }>().message).toBe(
      `manifest for ${registry.host}/t/small:none not found: manifest unknown: manifest unknown`,
    );
    const nobody = await daemon.cli(["pull", "127.0.0.1:9/t/x"]);
    expect([nobody.exitCode, nobody.stderr]).toEqual([1, expect.stringContaining("connect: connection refused")]);
    const invalid = await daemon.api("POST", "/images/create?fromImage=t/UPPER&tag=1");
    expect(invalid.status).toBe(400);
  });

  test("sends Docker's records and an event", async () => {
    const since = Math.floor(Date.now() / 1000) - 1;
    const answer = await daemon.api("POST", `/images/create?fromImage=${registry.host}/t/small&tag=1`, undefined, {
      "X-Registry-Auth": "not base64url JSON!",
    });
    expect(answer.headers.get("content-type")).toBe("application/json");
    const records = answer.text
      .trim()
      .split("\r\n")
      .map((line) => JSON.parse(line) as { status?: string; id?: string; progressDetail?: object });
    expect(records[0]).toEqual({ status: "Pulling from t/small", id: "1" });
    const statuses = new Set(
      records.filter(({ id }) => id !== undefined && id.length === 12).map(({ status }) => status),
    );
    for (const status of ["Pulling fs layer", "Download complete", "Pull complete"]) expect(statuses).toContain(status);
    expect(records.every(({ id, progressDetail }) => id?.length !== 12 || progressDetail !== undefined)).toBe(true);
    expect(records.at(-1)?.status).toBe(`Status: Downloaded newer image for ${registry.host}/t/small:1`);
    const until = Math.floor(Date.now() / 1000) + 1;
    const events = await daemon.ok("events", "--since", String(since), "--until", String(until), "--filter", "event=pull", "--format", "{{json .}}"); // prettier-ignore
    expect(JSON.parse(events.split("\n").at(-1) ?? "{}")).toMatchObject({
      Type: "image",
      Action: "pull",
      Actor: { ID: `${registry.host}/t/small:1`, Attributes: { name: `${registry.host}/t/small` } },
    });
    await removeImages(`${registry.host}/t/small:1`);
  });

  test("serves run, create and FROM as --pull says", async () => {
    const image = `${registry.host}/t/busybox:1`;
    await daemon.ok("tag", "busybox", image);
    await daemon.ok("push", "-q", image);
    await removeImages(image);
    const never = await daemon.cli(["run", "--rm", "--pull", "never", image, "true"]);
    expect([never.exitCode, never.stderr]).toEqual([125, expect.stringContaining("No such image")]);
    const missing = await daemon.cli(["run", "--rm", image, "echo", "hi"]);
    expect([missing.exitCode, missing.stdout]).toEqual([0, "hi\n"]);
    expect(missing.stderr).toContain(`Unable to find image '${image}' locally\n1: Pulling from t/busybox`);
    const always = await daemon.cli(["run", "--rm", "--pull", "always", image, "true"]);
    expect(always.stderr).toContain("Status: Image is up to date for");
    await removeImages(image);
    const folder = join(scratch, "from");
    mkdirSync(folder);
    writeFileSync(join(folder, "Dockerfile"), `FROM ${image}\nLABEL made=here\n`);
    const id = await daemon.ok("build", "-q", folder);
    expect((await inspectImage(id)).Id).toBe(id);
    expect(await daemon.ok("build", "--pull", "-q", folder)).toBe(id);
    await removeImages(id, image);
  });

  test.skipIf(targetIsDockerd)("of Docker Hub's images goes to the mirrors, the dead ones too", async () => {
    expect(await daemon.ok("pull", "-q", "mirrored")).toBe("docker.io/library/mirrored:latest");
    expect((await inspectImage("mirrored")).RepoTags).toEqual(["mirrored:latest"]);
    await removeImages("mirrored");
  });

  test.skipIf(targetIsDockerd)("has its settings in info", async () => {
    const { RegistryConfig: config } = (await daemon.api("GET", "/info")).json<{ RegistryConfig: unknown }>();
    expect(config).toEqual({
      InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", "10.9.0.0/16"],
      IndexConfigs: {
        "docker.io": {
          Name: "docker.io",
          Mirrors: ["http://127.0.0.1:9/", `http://${registry.host}/`],
          Secure: true,
          Official: true,
        },
        "registry.lan:5000": { Name: "registry.lan:5000", Mirrors: [], Secure: false, Official: false },
      },
      Mirrors: ["http://127.0.0.1:9/", `http://${registry.host}/`],
    });
  });

  test("that two clients ask for at once fetches each layer once", async () => {
    const name = uniqueName("twice");
    await publishImage(registry.host, `t/${name}`, "1", [
      () => sampleLayer({ seed: 7001, files: 40, totalBytes: 8_000_000 }),
    ]);
    const requests = await requestsOf(() =>
      Promise.all([1, 2, 3].map(() => daemon.ok("pull", "-q", `${registry.host}/t/${name}:1`))),
    );
    const manifest = JSON.parse(
      await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${registry.host}/t/${name}:1`),
    ) as { layers: { digest: string }[] };
    const layer = requests.filter((request) => request.includes(manifest.layers[0]?.digest ?? "?"));
    expect(layer).toHaveLength(1);
    await removeImages(`${registry.host}/t/${name}:1`);
  });
});

describe.skipIf(!hasDockerRegistry)("push", () => {
  test("of what is not there says so in Docker's words", async () => {
    const missing = await daemon.cli(["push", `${registry.host}/t/nothing:1`]);
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain(`An image does not exist locally with the tag: ${registry.host}/t/nothing`);
    await daemon.ok("tag", "busybox", `${registry.host}/t/known:1`);
    const tag = await daemon.cli(["push", `${registry.host}/t/known:2`]);
    expect(tag.stderr).toContain(`tag does not exist: ${registry.host}/t/known:2`);
    await removeImages(`${registry.host}/t/known:1`);
  });

  test("-a sends every tag; each is an event; its digest is in the last record", async () => {
    const name = `${registry.host}/t/${uniqueName("tags")}`;
    await daemon.ok("tag", "busybox", `${name}:a`);
    await daemon.ok("tag", "busybox", `${name}:b`);
    const out = await daemon.ok("push", "-a", name);
    expect(out).toContain(`The push refers to repository [${name}]`);
    expect(out).toMatch(/a: digest: sha256:[0-9a-f]{64} size: \d+/);
    expect(out).toMatch(/b: digest: sha256:[0-9a-f]{64} size: \d+/);
    const answer = await daemon.api("POST", `/images/${name}/push?tag=a`, undefined, { "X-Registry-Auth": "e30=" });
    const last = JSON.parse(answer.text.trim().split("\r\n").at(-1) ?? "{}") as {
      aux: { Tag: string; Digest: string };
    };
    expect(last.aux).toMatchObject({ Tag: "a", Digest: expect.stringMatching(/^sha256:/) });
    await removeImages(`${name}:a`, `${name}:b`);
  });

  test.skipIf(targetIsDockerd)("packs with zstd when asked", async () => {
    const name = `${registry.host}/t/${uniqueName("zstd")}:1`;
    await daemon.ok("tag", "busybox", name);
    const answer = await daemon.api("POST", `/images/${name.replace(/:1$/, "")}/push?tag=1&compression=zstd`);
    expect(answer.text).toContain("digest: sha256:");
    const raw = await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${name}`);
    expect(raw).toContain("tar+zstd");
    await removeImages(name);
    await daemon.ok("pull", "-q", name);
    await removeImages(name);
    expect((await daemon.api("POST", "/images/busybox/push?tag=latest&compression=lzma")).status).toBe(400);
  });
});

describe.skipIf(!hasDockerRegistry || targetIsDockerd)("an image for several platforms", () => {
  const berth = (...words: string[]) => mustRun([berthBinary, ...words], { environment: daemon.environment });

  test("is put together, annotated, pushed and pulled by platform", async () => {
    const list = `${registry.host}/t/multi:1`;
    const [amd, arm] = [`${registry.host}/t/multi-a:1`, `${registry.host}/t/multi-b:1`];
    const layer = (seed: number) => () => sampleLayer({ seed, files: 2, totalBytes: 9000 });
    const host = process.arch === "arm64" ? "arm64" : "amd64";
    await publishImage(registry.host, "t/multi-a", "1", [layer(31)]);
    const other = host === "amd64" ? "arm64" : "amd64";
    await publishImage(registry.host, "t/multi-b", "1", [layer(32)], { config: { architecture: other } });
    expect(await berth("manifest", "create", list, amd, arm)).toBe(`Created manifest list ${list}\n`);
    const again = await runCommand([berthBinary, "manifest", "create", list, amd], { environment: daemon.environment });
    expect(again.stderr).toContain("refusing to amend an existing manifest list with no --amend flag");
    await berth("manifest", "annotate", "--arch", "arm", "--variant", "v7", list, arm);
    const pushed = (await berth("manifest", "push", "--purge", list)).trim().split("\n").at(-1);
    const raw = await skopeo("inspect", "--raw", "--tls-verify=false", `docker://${list}`);
    expect(`sha256:${new Bun.CryptoHasher("sha256").update(raw).digest("hex")}`).toBe(pushed ?? "");
    expect(JSON.parse(await berth("manifest", "inspect", list))).toEqual(JSON.parse(raw));
    expect(
      (JSON.parse(raw) as { manifests: { platform: object }[] }).manifests.map(({ platform }) => platform),
    ).toEqual([
      { architecture: host, os: "linux" },
      { architecture: "arm", os: "linux", variant: "v7" },
    ]);
    await daemon.ok("pull", "-q", list);
    expect((await inspectImage(list)).RepoDigests).toEqual([`${registry.host}/t/multi@${pushed}`]);
    const mine = (await inspectImage(list)).Id;
    // The other platform comes beside it; the name alone means this machine's.
    await daemon.ok("pull", "-q", "--platform", "linux/arm/v7", list);
    expect((await inspectImage(list)).Id).toBe(mine);
    expect((await daemon.ok("images", "-q", list)).split("\n")).toHaveLength(2);
    const none = await daemon.cli(["pull", "--platform", "linux/s390x", list]);
    expect(none.stderr).toContain("no matching manifest for linux/s390x in the manifest list entries");
    const distribution = (await daemon.api("GET", `/distribution/${list}/json`)).json<{
      Descriptor: { digest: string };
      Platforms: object[];
    }>();
    expect(distribution.Descriptor.digest).toBe(pushed ?? "");
    expect(distribution.Platforms).toHaveLength(2);
    await removeImages(list, mine);
  });
});

describe.skipIf(!hasDockerRegistry || targetIsDockerd)("a registry with TLS", () => {
  let secure: DockerRegistry;
  let certificates: Certificates;
  let name = "";
  beforeAll(async () => {
    const directory = join(scratch, "tls");
    mkdirSync(directory);
    certificates = await makeCertificates(directory);
    secure = await startDockerRegistry({ tls: { ...certificates, clientAuthority: certificates.authority } });
    // A name, not an address: addresses of this machine are trusted without a certificate.
    name = secure.host;
  }, 30_000);
  afterAll(() => secure.destroy());

  test("wants a client certificate, which certs.d has", async () => {
    const image = `${name}/t/tls:1`;
    await daemon.ok("tag", "busybox", image);
    const refused = await daemon.cli(["push", image]);
    expect(refused.exitCode).toBe(1);
    const directory = join(certificateRoot, name);
    mkdirSync(directory);
    copyFileSync(certificates.authority, join(directory, "ca.crt"));
    copyFileSync(certificates.clientCertificate, join(directory, "client.cert"));
    const half = await daemon.cli(["push", image]);
    expect(half.stderr).toContain("missing key client.key for client certificate client.cert");
    copyFileSync(certificates.clientKey, join(directory, "client.key"));
    expect(await daemon.ok("push", image)).toContain("digest: sha256:");
    await removeImages(image);
    await daemon.ok("pull", "-q", image);
    await removeImages(image);
  });
});

describe.skipIf(!hasDockerRegistry || targetIsDockerd)("a registry with a password", () => {
  let locked: DockerRegistry;
  beforeAll(async () => {
    const file = join(scratch, "htpasswd");
    writeFileSync(file, `ada:${await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 5 })}\n`);
    locked = await startDockerRegistry({ htpasswd: file });
  }, 20_000);
  afterAll(() => locked.destroy());

  test("lets in who logs in, until the logout, by either command", async () => {
    const image = `${locked.host}/t/private:1`;
    await daemon.ok("tag", "busybox", image);
    const stranger = await daemon.cli(["push", image]);
    expect([stranger.exitCode, stranger.stderr]).toEqual([1, expect.stringContaining("no basic auth credentials")]);
    for (const command of [["docker"], [berthBinary]]) {
      const run = (words: readonly string[], input?: string) =>
        runCommand([...command, ...words], { environment: daemon.environment, ...(input !== undefined && { input }) });
      const login = ["login", "-u", "ada", "--password-stdin", locked.host];
      const wrong = await run(login, "wrong\n");
      expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining("unauthorized")]);
      const right = await run(login, "secret\n");
      expect([right.exitCode, right.stdout]).toEqual([0, "Login Succeeded\n"]);
      expect((await run(["push", "-q", image])).exitCode).toBe(0);
      expect((await run(["logout", locked.host])).stdout).toBe(`Removing login credentials for ${locked.host}\n`);
      expect((await run(["pull", image])).exitCode).toBe(1);
    }
    await removeImages(image);
  });

  test("is known to a credential helper", async () => {
    const bin = join(scratch, "bin");
    mkdirSync(bin);
    const vault = join(scratch, "vault");
    writeFileSync(
      join(bin, "docker-credential-testing"),
      `#!/bin/sh
case $1 in
store) cat >${vault} ;;
get) server=$(cat); if [ -f ${vault} ]; then cat ${vault}; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm -f ${vault} ;;
list) echo '{}' ;;
esac
`,
      { mode: 0o755 },
    );
    const config = join(scratch, "helper-config");
    mkdirSync(config);
    writeFileSync(join(config, "config.json"), JSON.stringify({ credHelpers: { [locked.host]: "testing" } }));
    const environment = { ...daemon.environment, DOCKER_CONFIG: config, PATH: `${bin}:${process.env["PATH"]}` };
    const run = (words: readonly string[], input = "") => runCommand([berthBinary, ...words], { environment, input });
    expect((await run(["login", "-u", "ada", "--password-stdin", locked.host], "secret")).stderr).toBe("");
    expect(JSON.parse(readFileSync(vault, "utf8"))).toEqual({
      ServerURL: locked.host,
      Username: "ada",
      Secret: "secret",
    });
    expect(readFileSync(join(config, "config.json"), "utf8")).not.toContain(
      Buffer.from("ada:secret").toString("base64"),
    );
    const image = `${locked.host}/t/helped:1`;
    await daemon.ok("tag", "busybox", image);
    expect((await run(["push", image])).stdout).toContain("digest: sha256:");
    await run(["logout", locked.host]);
    expect((await run(["push", image])).exitCode).toBe(1);
    await removeImages(image);
  });
});

describe.skipIf(!hasDockerRegistry || targetIsDockerd)("a registry with tokens", () => {
  let service: TokenService;
  let guarded: DockerRegistry;
  beforeAll(async () => {
    const directory = join(scratch, "tokens");
    mkdirSync(directory);
    const certificates = await makeCertificates(directory);
    service = await startTokenService(certificates);
    guarded = await startDockerRegistry({ token: { ...service, bundle: certificates.authority } });
  }, 20_000);
  afterAll(async () => {
    service.close();
    await guarded.destroy();
  });

  test("gives each user what is theirs", async () => {
    const [open, closed] = [`${guarded.host}/public/x:1`, `${guarded.host}/private/x:1`];
    await daemon.ok("tag", "busybox", open);
    await daemon.ok("tag", "busybox", closed);
    const anonymous = await daemon.cli(["push", open]);
    expect([anonymous.exitCode, anonymous.stderr]).toEqual([1, expect.stringMatching(/unauthorized|denied/)]);
    const login = (password: string) =>
      daemon.cli(["login", "-u", "ada", "--password-stdin", guarded.host], { input: password });
    expect((await login("wrong")).exitCode).toBe(1);
    expect((await login("secret")).stdout).toBe("Login Succeeded\n");
    await daemon.ok("push", "-q", open);
    await daemon.ok("push", "-q", closed);
    expect(service.asked).toContain("ada|repository:public/x:pull,push");
    await daemon.ok("logout", guarded.host);
    await removeImages(open, closed);
    await daemon.ok("pull", "-q", open);
    const denied = await daemon.api("POST", `/images/create?fromImage=${guarded.host}/private/x&tag=1`);
    expect(denied.status).toBe(404);
    expect(denied.text).toContain("repository does not exist or may require 'docker login'");
    await removeImages(open);
  });
});
