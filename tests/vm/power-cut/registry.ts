import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../../engines/busybox-image.ts";
import { eventually, mustRun, runCommand } from "../../engines/command.ts";
import { berthBinary } from "../../engines/engine.ts";
import { publishImage } from "../../engines/publish-image.ts";
import { sampleLayer } from "../../engines/sample-layers.ts";
import { seededRandom } from "../../system/kill-load.ts";
import { berth, docker, dockerResult } from "../service.ts";
import { check, reportChecks } from "./checks.ts";

/*
 * One boot of `scripts/vm power-cut registry`: looks at what the boot before left of the daemon's store and of a
 * `berth registry serve`, then pushes or pulls until the power goes, at a random moment.
 *   registry.ts push|pull|end SEED [what was acknowledged…]
 */
const [phase = "end", seed = "1", ...acknowledged] = process.argv.slice(2);
const host = "127.0.0.1:5000";
const root = "/var/lib/registry";
const random = seededRandom(Number(seed));

const namesOf = (kind: string) =>
  acknowledged.flatMap((entry) => (entry.startsWith(`${kind}=`) ? [entry.slice(kind.length + 1)] : []));

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const ask = (path: string, init: RequestInit = {}) => fetch(`http://${host}/v2/${path}`, init);

/** What a push of that name consists of: the same bytes after every boot. */
function artifact(name: string): {
  readonly blobs: readonly Buffer[];
  readonly manifest: string;
  readonly digest: string;
} {
  const bytes = seededRandom(Number.parseInt(digestOf(Buffer.from(name)).slice(7, 15), 16));
  const config = Buffer.from(JSON.stringify({ name }));
  const layer = Buffer.alloc(4 * (1000 + Math.floor(bytes() * 80_000)));
  for (let at = 0; at < layer.length; at += 4) layer.writeUInt32LE(Math.floor(bytes() * 2 ** 32), at);
  const describe = (blob: Buffer) => ({
    mediaType: "application/octet-stream",
    digest: digestOf(blob),
    size: blob.length,
  });
  const manifest = JSON.stringify({ schemaVersion: 2, config: describe(config), layers: [describe(layer)] });
  return { blobs: [config, layer], manifest, digest: digestOf(Buffer.from(manifest)) };
}

/** Once as a client does that asks first, in chunks or in one piece. */
async function pushArtifact(name: string, isChunked: boolean): Promise<void> {
  const { blobs, manifest } = artifact(name);
  const must = async (what: string, status: number, answer: Response) => {
    const text = await answer.text();
    if (answer.status !== status) throw new Error(`${what}: ${answer.status} ${text}`);
    return answer.headers.get("location") ?? "";
  };
  for (const blob of blobs) {
    const digest = digestOf(blob);
    const known = await ask(`cut/blobs/${digest}`, { method: "HEAD" });
    if (known.status === 200) continue;
    const location = await must("POST", 202, await ask("cut/blobs/uploads/", { method: "POST" }));
    const split = isChunked ? Math.floor(blob.length / 2) : 0;
    const at = `http://${host}${location}`;
    if (split > 0) await must("PATCH", 202, await fetch(at, { method: "PATCH", body: blob.subarray(0, split) }));
    await must("PUT", 201, await fetch(`${at}?digest=${digest}`, { method: "PUT", body: blob.subarray(split) }));
  }
  const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
  await must("manifest", 201, await ask(`cut/manifests/${name}`, { method: "PUT", body: manifest, headers }));
}

async function startServices(): Promise<void> {
  // A layer waits for its manifest while the next ones are made, which takes long where all is emulated.
  const graceSeconds = namesOf("published").length === 0 ? 300 : 15;
  const flags = ["--root", root, "--listen", host, "--gc-interval", "1s", "--gc-grace", `${graceSeconds}s`];
  await mustRun(["systemd-run", "--unit", "registry", berthBinary, "registry", "serve", ...flags]);
  const answers = async () => (await ask("").catch(() => undefined))?.status === 200;
  await eventually("the registry to answer after the boot", answers, 120_000);
  if (!existsSync("/etc/systemd/system/berth.service")) await berth("daemon", "install");
  const daemonAnswers = async () => (await dockerResult("version")).exitCode === 0;
  await eventually("the daemon to answer after the boot", daemonAnswers, 120_000);
}

/** Every blob that can be reached from any tag, by the registry itself. */
async function checkReachable(): Promise<void> {
  const { repositories } = (await (await ask("_catalog?n=1000")).json()) as { repositories: string[] };
  const blobs = new Map<string, string>();
  let manifests = 0;
  for (const repository of repositories) {
    const list = (await (await ask(`${repository}/tags/list?n=1000`)).json()) as { tags: string[] | null };
    for (const tag of list.tags ?? []) {
      const answer = await ask(`${repository}/manifests/${tag}`);
      const text = await answer.text();
      const isRight = answer.headers.get("docker-content-digest") === digestOf(Buffer.from(text));
      check(`manifest ${repository}:${tag} is whole`, answer.status === 200 && isRight, `${answer.status} ${text}`);
      if (answer.status !== 200) continue;
      manifests++;
      const { config, layers } = JSON.parse(text) as { config: { digest: string }; layers: { digest: string }[] };
      for (const { digest } of [config, ...layers]) blobs.set(digest, repository);
    }
  }
  for (const [digest, repository] of blobs) {
    const answer = await ask(`${repository}/blobs/${digest}`);
    const isRight = answer.status === 200 && digestOf(await answer.bytes()) === digest;
    check(`blob ${digest} of ${repository} is whole`, isRight, String(answer.status));
  }
  console.log(`reachable: ${manifests} manifests, ${blobs.size} blobs`);
}

/** Nothing half is under a digest, wanted or not. */
function checkFiles(): void {
  const blobs = join(root, "data/blobs");
  if (!existsSync(blobs)) return;
  for (const entry of readdirSync(blobs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    let bytes: Buffer;
    try {
      bytes = readFileSync(join(entry.parentPath, entry.name));
    } catch {
      continue; // collected meanwhile
    }
    check(`the file of ${entry.name}`, digestOf(bytes) === `sha256:${entry.name}`, `has ${bytes.length} bytes`);
  }
}

async function checkRegistry(): Promise<void> {
  checkFiles();
  for (const name of namesOf("pushed")) {
    const answer = await ask(`cut/manifests/${name}`);
    check(`the push of ${name} is there`, (await answer.text()) === artifact(name).manifest, String(answer.status));
  }
  for (const name of namesOf("deleted")) {
    const answer = await ask(`cut/manifests/${artifact(name).digest}`, { method: "HEAD" });
    check(`${name} stays deleted`, answer.status === 404, String(answer.status));
  }
  await checkReachable();
  // What was broken off goes through the second time.
  const again = namesOf("begun");
  for (const name of again) {
    await pushArtifact(name, true).then(
      () => check("", true),
      (error: unknown) => check(`${name} is pushed again`, false, String(error)),
    );
    console.log(`released begun=${name}`);
    console.log(`acknowledged pushed=${name}`);
  }
}

async function checkStore(): Promise<void> {
  for (const name of namesOf("image")) {
    check(`image ${name} is there`, (await dockerResult("image", "inspect", name)).exitCode === 0);
  }
  const said = await runCommand([berthBinary, "system", "check", "--quiet"], { timeoutMs: 300_000 });
  check("system check finds nothing", said.exitCode === 0 && said.stdout === "", said.stdout + said.stderr);
  const left = readdirSync("/var/lib/berth/tmp");
  check("nothing half done is left", left.length === 0, left.join(" "));
  const partial = readdirSync("/var/lib/berth/partial").length;
  console.log(`layers that are gone on with: ${partial}`);
}

const images = [0, 1, 2, 3];
const imageName = (index: number) => `${host}/pull/image-${index}:1`;

async function publishImages(): Promise<void> {
  for (const index of images) {
    // Few files are synced one by one, many by one call; the first layer is everybody's.
    const layers = [
      { seed: 1, files: 300, totalBytes: 1_500_000 },
      { seed: 10 + index, files: 8, totalBytes: 2_000_000 },
      { seed: 20 + index, files: 200, totalBytes: 800_000 },
      { seed: 30 + index, files: 2, totalBytes: 1_000_000 },
    ];
    const sources = layers.map((layer) => () => sampleLayer(layer));
    await publishImage(host, `pull/image-${index}`, "1", sources, { compression: index === 1 ? "zstd" : "gzip" });
  }
  console.log("acknowledged published=1");
}

/** The power goes after so many seconds, in the middle of whatever is being done. */
async function cutWithin(seconds: number): Promise<never> {
  const after = 500 + random() * seconds * 1000;
  await Bun.sleep(after);
  console.log(`cut now, after ${Math.round(after)} ms`);
  for (;;) await Bun.sleep(10_000);
}

async function pushUntilCut(): Promise<void> {
  void cutWithin(15);
  const lane = async (number: number) => {
    for (let index = 0; ; index++) {
      const name = `p${seed}-${number}-${index}`;
      console.log(`acknowledged begun=${name}`);
      await pushArtifact(name, number === 0);
      console.log(`acknowledged pushed=${name}`);
      console.log(`released begun=${name}`);
      if (index % 3 !== 2) continue;
      console.log(`released pushed=${name}`);
      const gone = await ask(`cut/manifests/${artifact(name).digest}`, { method: "DELETE" });
      if (gone.status === 202) console.log(`acknowledged deleted=${name}`);
    }
  };
  await Promise.all([0, 1, 2].map(lane));
}

async function pullUntilCut(): Promise<void> {
  void cutWithin(15);
  const held = namesOf("image");
  const pull = async (name: string) => {
    await docker("pull", "-q", name);
    console.log(`acknowledged image=${name}`);
    held.push(name);
  };
  for (;;) {
    const wanted = images.map(imageName).filter((name) => !held.includes(name));
    await Promise.all(wanted.slice(0, 2).map(pull));
    while (held.length > 1) {
      const [name = ""] = held.splice(Math.floor(random() * held.length), 1);
      console.log(`released image=${name}`);
      await docker("rmi", name);
    }
  }
}

async function checkAtEnd(): Promise<void> {
  for (const name of images.map(imageName)) {
    const pulled = await dockerResult("pull", "-q", name);
    check(`${name} is pulled`, pulled.exitCode === 0, pulled.stderr);
  }
  await checkStore();
  await docker("load", "-q", "-i", await busyboxArchive());
  await docker("tag", "busybox", `${host}/end/busybox`);
  const pushed = await dockerResult("push", "-q", `${host}/end/busybox`);
  check("an image is pushed", pushed.exitCode === 0, pushed.stderr);
}

await startServices();
if (acknowledged.length > 0) {
  await checkRegistry();
  await checkStore();
}
if (phase === "end") await checkAtEnd();
reportChecks();
if (namesOf("published").length === 0) await publishImages();
if (phase === "push") await pushUntilCut();
if (phase === "pull") await pullUntilCut();
