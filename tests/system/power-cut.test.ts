import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { eventually, mustRun, runCommand } from "../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../engines/engine.ts";
import { type EvilRegistry, startEvilRegistry } from "../engines/evil-registry.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";
import { sampleLayer } from "../engines/sample-layers.ts";
import { createCuttableDisk, type CuttableDisk } from "./cuttable-disk.ts";
import { seededRandom } from "./kill-load.ts";
import { createRegistryLoad, expectWholeBlobs, type RegistryLoad } from "./registry-load.ts";

/** How often the power goes, at a random moment of everything at once: `ROUNDS=60` is the whole proof. */
const rounds = Number(process.env["ROUNDS"] ?? 2);
const seed = Number(process.env["KILLS_SEED"] ?? Date.now() % 1_000_000);
const random = seededRandom(seed);

let disk: CuttableDisk;
let engine: EngineProcess;
let registry: RegistryProcess;
let source: EvilRegistry;
let pushes: RegistryLoad;
/** False from the moment before the cut: an answer that is seen after it may have been given after it. */
const power = { isOn: true };

beforeAll(async () => {
  console.log(`ROUNDS=${rounds} KILLS_SEED=${seed}`);
  disk = await createCuttableDisk(1024);
  const registryFlags = ["--gc-interval", "100ms", "--gc-grace", "1s"];
  [engine, registry, source] = await Promise.all([
    startEngine("berth", { dataRoot: join(disk.directory, "data") }),
    startRegistry(registryFlags, { root: join(disk.directory, "registry") }),
    startEvilRegistry(),
  ]);
  pushes = createRegistryLoad(
    () => registry.host,
    () => power.isOn,
  );
  mkdirSync(contextDirectory());
  const steps = [1, 2, 3].map((number) => `RUN echo ${number} $N > /${number}`);
  writeFileSync(join(contextDirectory(), "Dockerfile"), ["FROM busybox", "ARG N", ...steps].join("\n"));
  await prepare();
}, 60_000);
afterAll(async () => {
  await engine?.destroy();
  await registry?.destroy();
  await source?.close();
  await disk?.destroy();
}, 60_000);

const environment = () => ({ BERTH_HOST: engine.host, DOCKER_CONFIG: engine.directory });
const tryBerth = (...words: string[]) => runCommand([berthBinary, ...words], { environment: environment() });
const berth = (...words: string[]) => mustRun([berthBinary, ...words], { environment: environment() });
const contextDirectory = () => join(engine.directory, "context");

/** The images that every round starts from. */
async function prepare(): Promise<void> {
  await berth("load", "-q", "-i", await busyboxArchive());
  const fill = "FROM busybox\nRUN mkdir /data && for i in $(seq 40); do echo $i > /data/$i; done\n";
  await mustRun([berthBinary, "build", "-q", "-t", "filled", "-"], { environment: environment(), input: fill });
}

/** What clients were told is done, by kind. */
type Book = Record<"pulled" | "built" | "created" | "volumes", string[]>;

/** Clients that work until the power goes; each thing that one of them was told is done comes into the book. */
function work(round: number, book: Book): Promise<unknown> {
  const lane = async (
    kind: keyof Book,
    act: (name: string, index: number) => Promise<{ readonly exitCode: number }>,
  ) => {
    for (let index = 0; power.isOn; index++) {
      const name = `${kind}-${round}-${index}`;
      const { exitCode } = await act(name, index);
      if (exitCode === 0 && power.isOn) book[kind].push(name);
    }
  };
  const push = async () => {
    for (let index = 0; power.isOn; index++) {
      const tag = `r${round}-${index}`;
      await pushes.push(tag).catch(() => undefined);
      if (index % 3 > 0 && power.isOn) await pushes.delete(tag).catch(() => undefined);
    }
  };
  return Promise.all([
    lane("pulled", (name, index) => {
      const tars = [0, 1, 2].map((layer) =>
        Buffer.concat([
          ...sampleLayer({ seed: 1 + round * 1000 + index * 10 + layer, files: 20, totalBytes: 400_000 }),
        ]),
      );
      source.addImage("cut", name, tars);
      return tryBerth("pull", "-q", imageOf(name));
    }),
    lane("built", (name) => tryBerth("build", "-q", "--build-arg", `N=${name}`, "-t", name, contextDirectory())),
    lane("created", (name) => tryBerth("create", "--name", name, "-v", `of-${name}:/data`, "filled", ...countLines)),
    lane("volumes", (name) => tryBerth("volume", "create", name)),
    push(),
  ]);
}

const countLines = ["sh", "-c", "cat /data/* | wc -l"];
const imageOf = (name: string) => `${source.host}/cut:${name}`;

async function expectConsistent(book: Book): Promise<void> {
  const check = await tryBerth("system", "check", "--quiet");
  expect([check.exitCode, check.stdout]).toEqual([0, ""]);
  await eventually("what was left half done to go", () => {
    const scratch = join(engine.dataRoot, "tmp");
    return !existsSync(scratch) || readdirSync(scratch).length === 0;
  });
  for (const name of book.pulled) {
    const diffIds = JSON.parse(await berth("image", "inspect", "--format", "{{json .RootFS.Layers}}", imageOf(name)));
    expect(diffIds).toBeArrayOfSize(3);
    for (const diffId of diffIds as string[]) expectContents(join(engine.dataRoot, "layers", diffId.slice(7)));
  }
  for (const name of book.built) {
    expect(await berth("run", "--rm", name, "cat", "/1", "/2", "/3")).toBe(`1 ${name}\n2 ${name}\n3 ${name}\n`);
  }
  for (const name of book.created) expect(await berth("start", "-a", name)).toBe("40\n");
  const volumes = book.volumes.flatMap((name) => ["-v", `${name}:/${name}`]);
  if (volumes.length > 0) await berth("run", "--rm", ...volumes, "busybox", "true");
}

/** No file of a layer whose files all have contents is empty: the picture that unsynced layers give. */
function expectContents(directory: string): void {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(0);
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    expect([path, statSync(path).size > 0]).toEqual([path, true]);
  }
}

test(
  "when the power goes, what clients were told is done is there and whole, and nothing half is",
  async () => {
    const total = { pulled: 0, built: 0, created: 0, volumes: 0, pushed: 0 };
    for (let round = 0; round < rounds; round++) {
      const book: Book = { pulled: [], built: [], created: [], volumes: [] };
      power.isOn = true;
      const working = work(round, book);
      await Bun.sleep(300 + 2500 * random());
      power.isOn = false;
      await disk.cut({ journal: round % 2 === 0 });
      await Promise.all([engine.cutPower(), registry.kill()]);
      await working;
      await disk.remount();
      expectWholeBlobs(registry.root);
      await Promise.all([engine.start(), registry.start()]);
      await expectConsistent(book);
      await pushes.expectWhole();
      for (const kind of ["pulled", "built", "created", "volumes"] as const) total[kind] += book[kind].length;
      total.pushed = pushes.acknowledged.size;
      // A pull that was cut off is made good by the next.
      const last = `pulled-${round}-${book.pulled.length}`;
      expect([(await tryBerth("pull", "-q", imageOf(last))).exitCode, last]).toEqual([0, last]);
      await berth("system", "prune", "--all", "--force", "--volumes");
      await berth("volume", "prune", "--all", "--force");
      await prepare();
    }
    console.log("acknowledged and whole", total);
    expect(total.pushed).toBeGreaterThan(0);
  },
  60_000 + rounds * 20_000,
);
