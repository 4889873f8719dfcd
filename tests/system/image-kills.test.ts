import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { type CommandOptions, eventually, mustRun, runCommand } from "../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../engines/engine.ts";
import { type EvilRegistry, startEvilRegistry } from "../engines/evil-registry.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";
import { sampleLayer } from "../engines/sample-layers.ts";
import { type Member, tarOf } from "../linux/archives.ts";
import { seededRandom } from "./kill-load.ts";

/** How often each kind of work is killed at a random moment: `ROUNDS=100` is the whole proof. */
const rounds = Number(process.env["ROUNDS"] ?? 2);
const seed = Number(process.env["KILLS_SEED"] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const timeoutMs = 60_000 + rounds * 10_000;

let engine: EngineProcess;
let source: EvilRegistry;
let registry: RegistryProcess;
let work: string;

beforeAll(async () => {
  console.log(`ROUNDS=${rounds} KILLS_SEED=${seed}`);
  [engine, source, registry] = await Promise.all([
    startEngine("berth"),
    startEvilRegistry(),
    startRegistry(["--debug"]),
  ]);
  work = join(engine.directory, "work");
  mkdirSync(work);
}, 60_000);
afterAll(async () => {
  await engine?.destroy();
  await source?.close();
  await registry?.destroy();
}, 60_000);

const environment = () => ({ BERTH_HOST: engine.host, DOCKER_CONFIG: engine.directory });
const tryBerth = (words: readonly string[], options: CommandOptions = {}) =>
  runCommand([berthBinary, ...words], { ...options, environment: environment() });
const berth = (...words: string[]) => mustRun([berthBinary, ...words], { environment: environment() });
const isThere = async (name: string) => (await tryBerth(["image", "inspect", name])).exitCode === 0;

/** Everything that is stored is right, and nothing half done is left. */
async function expectConsistent(): Promise<void> {
  const check = await tryBerth(["system", "check", "--quiet"]);
  expect([check.exitCode, check.stdout]).toEqual([0, ""]);
  await eventually("what was left half done to go", () => readdirSync(join(engine.dataRoot, "tmp")).length === 0);
}

/** Runs a command and kills the daemon at a random moment of the time that it takes; the next daemon is up then. */
async function killDuring(words: readonly string[], wholeMs: number): Promise<void> {
  const running = tryBerth(words);
  await Bun.sleep(random() * wholeMs);
  await engine.kill();
  await running;
  await engine.start();
}

async function timeOf(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await action();
  return (performance.now() - started) * 1.1;
}

/** An archive of images, each of three layers that no other image has, and of one that all have. */
function writeArchive(path: string, names: readonly string[], files: number, fileBytes: number): void {
  const layer = (prefix: string): Buffer =>
    tarOf(
      Array.from({ length: files }, (_, index) => {
        const text = randomBytes(fileBytes / 2).toString("hex");
        return { path: `${prefix}/${index}`, type: "file", mode: 0o644, text } as const;
      }),
    );
  const shared = layer("shared");
  const members: Member[] = [];
  const add = (name: string, bytes: Buffer) => {
    members.push({ path: name, type: "file", mode: 0o644, text: bytes.toString() });
  };
  const manifest = names.map((name, at) => {
    const layers = [shared, ...[0, 1, 2].map((index) => layer(`of-${at}-${index}`))];
    for (const [index, bytes] of layers.entries()) add(`${at}-${index}.tar`, bytes);
    const diffIds = layers.map((bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
    const rootfs = { type: "layers", diff_ids: diffIds };
    add(`${at}.json`, Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs })));
    return { Config: `${at}.json`, RepoTags: [name], Layers: layers.map((_, index) => `${at}-${index}.tar`) };
  });
  add("manifest.json", Buffer.from(JSON.stringify(manifest)));
  writeFileSync(path, tarOf(members));
}

test(
  "a pull leaves an image whole or absent, and the next fetches only what is missing",
  async () => {
    const tars = [0, 1, 2, 3].map((index) =>
      Buffer.concat([...sampleLayer({ seed: seed + index, files: 30, totalBytes: 1_200_000 })]),
    );
    const { layers } = source.addImage("kills/pulled", "1", tars);
    const name = `${source.host}/kills/pulled:1`;
    const wholeMs = await timeOf(() => berth("pull", "-q", name));
    const figures = { whole: 0, absent: 0, layersKept: 0, layersGoneOnWith: 0 };
    for (let round = 0; round < rounds; round++) {
      await tryBerth(["rmi", "-f", name]);
      await berth("image", "prune", "-f");
      await killDuring(["pull", "-q", name], wholeMs);
      await expectConsistent();
      if (await isThere(name)) figures.whole++;
      else figures.absent++;
      const wanted = layers.map(({ digest, diffId }) => {
        if (existsSync(join(engine.dataRoot, "layers", diffId.slice(7)))) return { digest, from: undefined };
        const begun = statSync(join(engine.dataRoot, "partial", digest.slice(7)), { throwIfNoEntry: false });
        return { digest, from: begun?.size ?? 0 };
      });
      figures.layersKept += wanted.filter(({ from }) => from === undefined).length;
      figures.layersGoneOnWith += wanted.filter(({ from }) => (from ?? 0) > 0).length;
      const before = source.requests.length;
      await berth("pull", "-q", name);
      for (const { digest, from } of wanted) {
        const asked = source.requests.slice(before).filter(({ path }) => path.endsWith(`/blobs/${digest}`));
        const begins = asked.map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.get("range") ?? "")?.[1] ?? 0));
        const { length } = layers.find((layer) => layer.digest === digest)?.bytes ?? { length: 0 };
        expect([digest, begins]).toEqual([digest, from === undefined || from === length ? [] : [from]]);
      }
      await expectConsistent();
    }
    console.log("pull", figures);
    expect(figures.whole + figures.absent).toBe(rounds);
    await berth("rmi", "-f", name);
  },
  timeoutMs,
);

test(
  "a push that is done again sends only what the registry has not acknowledged",
  async () => {
    const archive = join(work, "pushed.tar");
    /** Digests of blobs that the registry has taken, in the order of its log. */
    const taken = () =>
      [
        ...readFileSync(registry.logFile, "utf8").matchAll(
          /method=PUT url=\S*[?&]digest=(sha256(?::|%3A)[0-9a-f]{64})\S* status=201/g,
        ),
      ].map(([, digest = ""]) => digest.replace("%3A", ":"));
    let wholeMs = 0;
    const figures = { sentBefore: 0, sentAfter: 0 };
    for (let round = -1; round < rounds; round++) {
      const name = `${registry.host}/kills/pushed-${round + 1}:1`;
      writeArchive(archive, [name], 4, 200_000);
      await berth("load", "-q", "-i", archive);
      if (round < 0) {
        wholeMs = await timeOf(() => berth("push", "-q", name));
        expect(taken().length).toBe(5);
        await berth("rmi", "-f", name);
        continue;
      }
      const atFirst = taken().length;
      await killDuring(["push", "-q", name], wholeMs);
      await expectConsistent();
      const atRestart = taken().length;
      await berth("push", "-q", name);
      const all = taken();
      figures.sentBefore += atRestart - atFirst;
      figures.sentAfter += all.length - atRestart;
      // Nothing that was taken before the kill is sent again.
      expect(new Set(all).size).toBe(all.length);
      const [repository] = name.slice(registry.host.length + 1).split(":");
      const base = `http://${registry.host}/v2/${repository}`;
      const accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
      const manifest = (await (await fetch(`${base}/manifests/1`, { headers: { accept } })).json()) as {
        layers: { digest: string }[];
        config: { digest: string };
      };
      for (const { digest } of [manifest.config, ...manifest.layers]) {
        const bytes = await (await fetch(`${base}/blobs/${digest}`)).bytes();
        expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(digest);
      }
      await berth("rmi", "-f", name);
    }
    console.log("push", figures);
  },
  timeoutMs,
);

test(
  "a load, alone or beside a prune, leaves each image whole or absent",
  async () => {
    const archive = join(work, "loaded.tar");
    const names = ["kills/loaded:a", "kills/loaded:b"];
    writeArchive(archive, names, 60, 10_000);
    const wholeMs = await timeOf(() => berth("load", "-q", "-i", archive));
    const figures = { whole: 0, absent: 0 };
    for (let round = 0; round < rounds; round++) {
      await tryBerth(["rmi", "-f", ...names]);
      await berth("image", "prune", "-f");
      // The collector and the load meet.
      const pruning = round % 2 === 1 ? tryBerth(["image", "prune", "-a", "-f"]) : undefined;
      await killDuring(["load", "-q", "-i", archive], wholeMs);
      await pruning;
      await expectConsistent();
      for (const name of names) {
        if (!(await isThere(name))) figures.absent++;
        else {
          figures.whole++;
          // All of it is there: it can be given out again.
          await berth("save", "-o", join(work, "again.tar"), name);
        }
      }
    }
    console.log("load", figures);
    expect(figures.whole + figures.absent).toBe(2 * rounds);
    await tryBerth(["rmi", "-f", ...names]);
  },
  timeoutMs,
);

test(
  "a prune leaves each image whole or absent, and those that containers have whole",
  async () => {
    await berth("load", "-q", "-i", await busyboxArchive());
    await berth("create", "--name", "holder", "busybox", "echo", "held");
    const archive = join(work, "pruned.tar");
    const names = ["kills/pruned:a", "kills/pruned:b", "kills/pruned:c"];
    writeArchive(archive, names, 150, 4000);
    await berth("load", "-q", "-i", archive);
    const wholeMs = await timeOf(() => berth("image", "prune", "-a", "-f"));
    const figures = { whole: 0, absent: 0 };
    for (let round = 0; round < rounds; round++) {
      await berth("load", "-q", "-i", archive);
      await killDuring(["image", "prune", "-a", "-f"], wholeMs);
      await expectConsistent();
      for (const name of names) {
        if (!(await isThere(name))) figures.absent++;
        else {
          figures.whole++;
          await berth("save", "-o", join(work, "again.tar"), name);
        }
      }
      expect(await berth("start", "-a", "holder")).toBe("held\n");
      expect(await berth("run", "--rm", "busybox", "echo", "still")).toBe("still\n");
    }
    console.log("prune", figures);
    expect(figures.whole + figures.absent).toBe(3 * rounds);
    await berth("rm", "holder");
    await tryBerth(["image", "prune", "-a", "-f"]);
  },
  timeoutMs,
);
