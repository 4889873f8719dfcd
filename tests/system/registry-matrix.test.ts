import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "../engines/certificates.ts";
import { mustRun } from "../engines/command.ts";
import {
  type DockerRegistry,
  type DockerRegistryOptions,
  hasDockerRegistry,
  startDockerRegistry,
} from "../engines/docker-registry.ts";
import { berthBinary } from "../engines/engine.ts";
import { startTokenService, type TokenService } from "../engines/token-service.ts";
import { type MatrixClient, openClients, type Reach } from "./registry-matrix/clients.ts";
import { writeMatrixArchive } from "./registry-matrix/image.ts";

/*
 * One image with everything a layer can hold goes through Debian's docker-registry from and to Berth, docker (its daemon is
 * Debian's dockerd), podman and skopeo, and each tree is compared: paths, kinds, modes, owners, times, links, devices,
 * attributes and contents. Three daemons and four registries take a minute even with a small image, so it is done when
 * asked for: `IMAGE_MEGABYTES=600 LAYERS=12` is the whole proof. tests/conformance/registries.test.ts has the parts in small.
 */
const isAsked = process.env["IMAGE_MEGABYTES"] !== undefined && hasDockerRegistry;
if (!isAsked)
  console.log("registry-matrix.test.ts is skipped: IMAGE_MEGABYTES=600 does it, with docker-registry installed");
const megabytes = Number(process.env["IMAGE_MEGABYTES"] ?? 3);
const layers = Number(process.env["LAYERS"] ?? 12);
const timeoutMs = 120_000 + megabytes * 10_000;
const login = { user: "ada", password: "secret" };

const scratch = isAsked ? mkdtempSync(join(tmpdir(), "berth-matrix-")) : "";
const archive = join(scratch, "image.tar");
const local = "matrix.test/image:1";
const kinds = ["plain", "TLS", "htpasswd", "token"] as const;
type Kind = (typeof kinds)[number];

let clients: readonly MatrixClient[] = [];
let tokens: TokenService | undefined;
let diffIds: readonly string[] = [];
/** The tree as dockerd has it. */
let expected = "";
const reaches = new Map<Kind, Reach>();
const registries: DockerRegistry[] = [];

function reach(kind: Kind): Reach {
  const found = reaches.get(kind);
  if (found === undefined) throw new Error(`no ${kind} registry`);
  return found;
}

function client(name: MatrixClient["name"]): MatrixClient {
  const found = clients.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

async function startKind(kind: Kind): Promise<void> {
  const directory = join(scratch, kind);
  mkdirSync(directory);
  const certificates = kind === "TLS" || kind === "token" ? await makeCertificates(directory) : undefined;
  const htpasswd = join(directory, "htpasswd");
  let options: DockerRegistryOptions = {};
  if (kind === "TLS" && certificates !== undefined) options = { tls: certificates };
  if (kind === "token" && certificates !== undefined) {
    tokens = await startTokenService(certificates);
    options = { token: { ...tokens, bundle: certificates.authority } };
  }
  if (kind === "htpasswd") {
    const command = [berthBinary, "registry", "htpasswd", "--cost", "4", login.user];
    writeFileSync(htpasswd, await mustRun(command, { input: `${login.password}\n` }));
    options = { htpasswd };
  }
  const registry = await startDockerRegistry(options);
  registries.push(registry);
  const authority = join(directory, "authority");
  mkdirSync(authority);
  if (certificates !== undefined) copyFileSync(certificates.authority, join(authority, "ca.crt"));
  reaches.set(kind, {
    host: registry.host,
    ...(kind === "TLS" ? { certificates: authority } : {}),
    ...(kind === "htpasswd" || kind === "token" ? { login } : {}),
  });
}

/** skopeo's flags for one side of a copy. */
function skopeoFlags(side: "src" | "dest", { certificates, login: user }: Reach): string[] {
  return [
    certificates === undefined ? `--${side}-tls-verify=false` : `--${side}-cert-dir=${certificates}`,
    ...(user === undefined ? [] : [`--${side}-creds=${user.user}:${user.password}`]),
  ];
}

const skopeo = (...words: string[]) => mustRun(["skopeo", ...words], { timeoutMs });

async function skopeoCopy(
  from: { reach?: Reach; place: string },
  to: { reach?: Reach; place: string },
  ...flags: string[]
) {
  const sides = [
    ...(from.reach === undefined ? [] : skopeoFlags("src", from.reach)),
    ...(to.reach === undefined ? [] : skopeoFlags("dest", to.reach)),
  ];
  await skopeo("copy", "-q", ...flags, ...sides, from.place, to.place);
}

/** Layers of an image as skopeo gets them: the digests of what is in them. */
async function skopeoLayers(at: Reach, image: string): Promise<readonly string[]> {
  const directory = join(scratch, "skopeo");
  await skopeoCopy({ reach: at, place: `docker://${image}` }, { place: `dir:${directory}` });
  const manifest = JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as {
    layers: { digest: string }[];
  };
  const found: string[] = [];
  for (const { digest } of manifest.layers) {
    const path = join(directory, digest.slice("sha256:".length));
    const sum = await mustRun(["sh", "-c", `{ zcat -f "$1" | sha256sum; } | cut -c1-64`, "sh", path], { timeoutMs });
    found.push(`sha256:${sum.trim()}`);
  }
  rmSync(directory, { recursive: true });
  return found;
}

/** Its tree and its layers are what they were. */
async function expectSame(engine: MatrixClient, image: string): Promise<void> {
  expect([engine.name, image, await engine.layers(image)]).toEqual([engine.name, image, [...diffIds]]);
  const tree = await engine.tree(image);
  if (tree === expected) return;
  const ours = new Set(expected.split("\n"));
  const theirs = new Set(tree.split("\n"));
  expect([
    engine.name,
    image,
    [...theirs].filter((line) => !ours.has(line)),
    [...ours].filter((line) => !theirs.has(line)),
  ]).toEqual([engine.name, image, [], []]);
}

describe.skipIf(!isAsked)(`an image of ${layers} layers and ${megabytes} MB`, () => {
  beforeAll(async () => {
    diffIds = writeMatrixArchive(archive, local, { layers, totalBytes: megabytes * 1_000_000 });
    clients = await openClients(scratch);
    for (const kind of kinds) await startKind(kind);
    for (const each of clients) for (const kind of kinds) await each.login(reach(kind));
  }, timeoutMs);
  afterAll(async () => {
    for (const each of clients) await each.close();
    for (const registry of registries) await registry.destroy();
    tokens?.close();
    rmSync(scratch, { recursive: true, force: true });
  }, 120_000);

  test(
    "is the same in every engine that loads it",
    async () => {
      for (const each of clients) await each.load(archive);
      expected = await client("docker").tree(local);
      const lines = expected.split("\n");
      expect(lines.filter((line) => line.includes("/goes")).length).toBe(1);
      expect(lines.filter((line) => line.includes("security.capability=")).length).toBe(layers);
      expect(lines.filter((line) => line.includes("anew/only-")).length).toBe(1);
      for (const each of clients) await expectSame(each, local);
    },
    timeoutMs,
  );

  test(
    "is the same from every client to every client",
    async () => {
      const at = reach("plain");
      const imageOf = (name: string) => `${at.host}/matrix/${name}:1`;
      for (const each of clients) {
        await each.tag(local, imageOf(each.name));
        await each.push(at, imageOf(each.name));
        await each.remove(local, imageOf(each.name));
      }
      await skopeoCopy({ place: `docker-archive:${archive}` }, { reach: at, place: `docker://${imageOf("skopeo")}` });
      const pushers = [...clients.map(({ name }) => name), "skopeo"];
      for (const pusher of pushers) {
        expect([pusher, await skopeoLayers(at, imageOf(pusher))]).toEqual([pusher, [...diffIds]]);
        for (const each of clients) {
          if (each.name === pusher) continue;
          await each.pull(at, imageOf(pusher));
          await expectSame(each, imageOf(pusher));
          await each.remove(imageOf(pusher));
        }
      }
    },
    4 * timeoutMs,
  );

  test.each(kinds.filter((kind) => kind !== "plain"))(
    "is the same over a registry with %s",
    async (kind) => {
      const [from, at] = [reach("plain"), reach(kind)];
      const imageOf = (name: string) => `${at.host}/matrix/${name}:1`;
      await skopeoCopy(
        { reach: from, place: `docker://${from.host}/matrix/docker:1` },
        { reach: at, place: `docker://${imageOf("skopeo")}` },
      );
      const berth = client("berth");
      await berth.pull(at, imageOf("skopeo"));
      await expectSame(berth, imageOf("skopeo"));
      await berth.tag(imageOf("skopeo"), imageOf("berth"));
      await berth.push(at, imageOf("berth"));
      await berth.remove(imageOf("skopeo"), imageOf("berth"));
      expect(await skopeoLayers(at, imageOf("berth"))).toEqual([...diffIds]);
      for (const name of ["docker", "podman"] as const) {
        const other = client(name);
        await other.pull(at, imageOf("berth"));
        await expectSame(other, imageOf("berth"));
        await other.tag(imageOf("berth"), imageOf(name));
        await other.push(at, imageOf(name));
        await other.remove(imageOf("berth"), imageOf(name));
        await berth.pull(at, imageOf(name));
        await expectSame(berth, imageOf(name));
        await berth.remove(imageOf(name));
      }
    },
    2 * timeoutMs,
  );

  test(
    "is one of two in an index that goes from every client to every client",
    async () => {
      const at = reach("plain");
      const imageOf = (name: string) => `${at.host}/index/${name}:1`;
      const run = (command: string, ...words: string[]) =>
        mustRun([command, ...words], { environment: { DOCKER_CONFIG: join(scratch, "berth-config") }, timeoutMs });
      const config = { architecture: "arm64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
      await putArm(at, config);
      const parts = [`${at.host}/matrix/docker:1`, `${at.host}/index/arm:1`] as const;
      await run(berthBinary, "manifest", "create", imageOf("berth"), ...parts);
      await run(berthBinary, "manifest", "push", imageOf("berth"));
      await run("docker", "manifest", "create", "--insecure", imageOf("docker"), ...parts);
      await run("docker", "manifest", "push", "--insecure", imageOf("docker"));
      const raw = (image: string, where: Reach = at) =>
        skopeo(
          "inspect",
          "--raw",
          ...skopeoFlags("src", where).map((flag) => flag.replace("--src-", "--")),
          `docker://${image}`,
        );
      for (const pusher of ["berth", "docker"]) {
        const copy = `${at.host}/index/of-${pusher}:1`;
        await skopeoCopy(
          { reach: at, place: `docker://${imageOf(pusher)}` },
          { reach: at, place: `docker://${copy}` },
          "--all",
        );
        expect(await raw(copy)).toBe(await raw(imageOf(pusher)));
        const list = JSON.parse(await raw(copy)) as { manifests: { platform: { architecture: string } }[] };
        expect(list.manifests.map(({ platform }) => platform.architecture).toSorted()).toEqual(["amd64", "arm64"]);
        expect(JSON.parse(await run(berthBinary, "manifest", "inspect", copy))).toEqual(list);
        for (const each of clients) {
          await each.pull(at, copy, "--platform", "linux/arm64");
          expect([each.name, await each.architecture(copy)]).toEqual([each.name, "arm64"]);
          expect(await each.layers(copy)).toEqual([...diffIds]);
          await each.remove(copy);
        }
      }
    },
    2 * timeoutMs,
  );
});

/** The image again, for another machine: the same layers below another config. */
async function putArm({ host }: Reach, config: unknown): Promise<void> {
  const base = `http://${host}/v2`;
  const accept = "application/vnd.docker.distribution.manifest.v2+json";
  const source = await fetch(`${base}/matrix/docker/manifests/1`, { headers: { accept } });
  const manifest = (await source.json()) as { config: object; layers: { digest: string }[] };
  for (const { digest } of manifest.layers) {
    await fetch(`${base}/index/arm/blobs/uploads/?mount=${digest}&from=matrix/docker`, { method: "POST" });
  }
  const bytes = Buffer.from(JSON.stringify(config));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const begun = await fetch(`${base}/index/arm/blobs/uploads/`, { method: "POST" });
  const place = new URL(begun.headers.get("location") ?? "", base);
  place.searchParams.set("digest", digest);
  await fetch(place, { method: "PUT", body: bytes });
  const body = JSON.stringify({ ...manifest, config: { ...manifest.config, digest, size: bytes.length } });
  const done = await fetch(`${base}/index/arm/manifests/1`, {
    method: "PUT",
    body,
    headers: { "content-type": accept },
  });
  expect(done.status).toBe(201);
}
