import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { type CommandOptions, mustRun, runCommand } from "../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../engines/engine.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";

let engine: EngineProcess;
let registry: RegistryProcess;
let archive: string;

beforeAll(async () => {
  [engine, registry, archive] = await Promise.all([startEngine("berth"), startRegistry(), busyboxArchive()]);
  await berth("load", "-q", "-i", archive);
}, 60_000);
afterAll(async () => {
  await engine?.destroy();
  await registry?.destroy();
}, 60_000);

const environment = () => ({ BERTH_HOST: engine.host, DOCKER_CONFIG: engine.directory });
const tryBerth = (words: readonly string[], options: CommandOptions = {}) =>
  runCommand([berthBinary, ...words], { ...options, environment: environment() });
const berth = (...words: string[]) => mustRun([berthBinary, ...words], { environment: environment() });
const sh = (command: string) => mustRun(["sh", "-c", command]);

test("system check finds what is damaged, says what to pull again, and pulling repairs it", async () => {
  const name = `${registry.host}/check/busybox:1`;
  await berth("tag", "busybox", name);
  await berth("push", name);
  await berth("rmi", "busybox");
  const good = await tryBerth(["system", "check"]);
  expect([good.exitCode, good.stdout]).toEqual([0, expect.stringMatching(/^1 layers \(.*\) and 1 images are good\n$/)]);
  const [hex = ""] = readdirSync(join(engine.dataRoot, "layers"));
  const file = join(engine.dataRoot, "layers", hex, "diff/bin/busybox");
  truncateSync(file, statSync(file).size - 1);
  const bad = await tryBerth(["system", "check", "--quiet"]);
  expect(bad.exitCode).toBe(1);
  expect(bad.stdout).toContain(`layer ${hex.slice(0, 12)}: `);
  expect(bad.stdout).toContain(`berth pull ${name}`);
  const report = JSON.parse((await tryBerth(["system", "check", "--format", "json"])).stdout) as { Damage: unknown[] };
  expect(report.Damage).toMatchObject([{ Kind: "layer", Id: `sha256:${hex}`, Images: [{ Names: [name] }] }]);
  await berth("pull", name);
  expect((await tryBerth(["system", "check", "-q"])).exitCode).toBe(0);
  expect(await berth("run", "--rm", name, "echo", "whole")).toBe("whole\n");
  await berth("tag", name, "busybox");
  await berth("rmi", name);
}, 60_000);

test("what is saved is read by skopeo and podman, and what they write by us", async () => {
  const work = join(engine.directory, "archives");
  mkdirSync(work);
  writeFileSync(join(work, "Dockerfile"), "FROM busybox\nRUN echo second > /second && ln /second /third\nENV A=b\n");
  await berth("build", "-q", "-t", "second:1", work);
  const id = (await berth("image", "inspect", "--format", "{{.Id}}", "second:1")).trim();
  const saved = join(work, "saved.tar");
  await berth("save", "-o", saved, "busybox:latest", "second:1");
  const configOf = async (source: string) =>
    `sha256:${(await sh(`skopeo inspect --config --raw ${source} | sha256sum`)).slice(0, 64)}`;
  expect(await configOf(`docker-archive:${saved}:second:1`)).toBe(id);
  expect(await configOf(`oci-archive:${saved}:1`)).toBe(id);
  const podman = `podman --root ${work}/podman --runroot ${work}/podman-run --storage-driver vfs`;
  expect(await sh(`${podman} load -i ${saved} 2>&1`)).toContain("second:1");
  expect((await sh(`${podman} images --no-trunc -q`)).split("\n")).toContain(id);

  const layers = (await berth("image", "inspect", "--format", "{{.RootFS.Layers}}", "second:1")).trim();
  await berth("rmi", "-f", id);

  // Theirs: both archives of podman, and skopeo's archives and directory with other compressions.
  const image = (await sh(`${podman} images --filter reference=second --format '{{.Repository}}:{{.Tag}}'`)).trim();
  await sh(`${podman} save -q --format docker-archive -o ${work}/p-docker.tar ${image}`);
  await sh(`${podman} save -q --format oci-archive -o ${work}/p-oci.tar ${image}`);
  await sh(`skopeo copy -q docker-archive:${saved}:second:1 docker-archive:${work}/s-docker.tar:theirs:1`);
  await sh(`skopeo copy -q --dest-compress-format zstd docker-archive:${saved}:second:1 oci:${work}/layout:theirs:1`);
  await sh(`tar -C ${work}/layout -cf ${work}/s-oci.tar .`);
  await sh(`gzip -k ${work}/p-oci.tar && xz -0 -k ${work}/s-docker.tar`);
  for (const theirs of ["p-docker.tar", "p-oci.tar", "s-docker.tar", "s-oci.tar", "p-oci.tar.gz", "s-docker.tar.xz"]) {
    const said = await berth("load", "-i", join(work, theirs));
    const name = /Loaded image(?: ID)?: (\S+)/.exec(said)?.[1] ?? "";
    const loaded = (await berth("image", "inspect", "--format", "{{.Id}} {{.RootFS.Layers}}", name)).trim();
    // The layers' diffIDs are the same whatever they are packed with.
    expect(`${theirs}: ${loaded.split(" ").slice(1).join(" ")}`).toBe(`${theirs}: ${layers}`);
    expect(await berth("run", "--rm", name, "cat", "/third")).toBe("second\n");
    await berth("rmi", "-f", loaded.slice(0, 71));
  }
  await sh(`${podman} rmi -f -a >/dev/null; rm -rf ${work}`);
}, 90_000);

test("prunes and removals beside pulls, runs and builds never take what they need", async () => {
  // The test before may have pruned it away.
  await berth("load", "-q", "-i", archive);
  const work = join(engine.directory, "races");
  mkdirSync(work);
  const name = `${registry.host}/race/app:1`;
  writeFileSync(join(work, "Dockerfile"), "FROM busybox\nRUN echo kept > /kept\n");
  await berth("build", "-q", "-t", name, work);
  await berth("push", "-q", name);
  await berth("rmi", name);
  const state = { isOver: false };
  const pruning = (async () => {
    while (!state.isOver) {
      await berth("image", "prune", "-f");
      await berth("builder", "prune", "-a", "-f");
    }
  })();
  const failures: string[] = [];
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(work, "Dockerfile"), `FROM busybox\nRUN echo ${round} > /a\nRUN cat /a > /b\n`);
    const results = await Promise.all([
      tryBerth(["pull", "-q", name]),
      tryBerth(["run", "--rm", "busybox", "true"]),
      tryBerth(["build", "-q", work]),
    ]);
    for (const { exitCode, stderr } of results) if (exitCode !== 0) failures.push(stderr);
    const ran = await tryBerth(["run", "--rm", name, "cat", "/kept"]);
    if (ran.stdout !== "kept\n") failures.push(ran.stderr);
    await tryBerth(["rmi", "-f", name]);
  }
  state.isOver = true;
  await pruning;
  expect(failures).toEqual([]);
  expect((await tryBerth(["system", "check", "-q"])).exitCode).toBe(0);
  rmSync(work, { recursive: true, force: true });
}, 90_000);
