/*
 * Records what Docker's BuildKit makes of the cases, for build-goldens.test.ts. Run it, as root, when a case is added:
 *   unshare -n sh -c 'ip link set lo up; bun tests/linux/build-goldens/record.ts'
 * It starts a dockerd of its own and needs a docker command with BuildKit inside (Debian's docker.io 20.10).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../../engines/busybox-image.ts";
import { runCommand } from "../../engines/command.ts";
import { startEngine } from "../../engines/engine.ts";
import { goldenCases, type GoldenCase } from "./cases.ts";
import { makeContext } from "./context.ts";
import { type Observation, observeTree, plainConfig, treeChanges } from "./observe.ts";

const engine = await startEngine("dockerd");
const work = mkdtempSync(join(tmpdir(), "berth-goldens-"));
const command = process.env["BUILDKIT_DOCKER"] ?? "/usr/bin/docker";

async function docker(...words: string[]): Promise<string> {
  const result = await runCommand([command, ...words], {
    environment: { DOCKER_HOST: engine.host, DOCKER_BUILDKIT: "1", DOCKER_CONFIG: join(work, "config") },
  });
  if (result.exitCode !== 0) throw new Error(`docker ${words.join(" ")}: ${result.stderr}`);
  return result.stdout;
}

type ImageDocument = {
  readonly Config: Record<string, unknown>;
  readonly GraphDriver: { readonly Data: { readonly UpperDir: string; readonly LowerDir?: string } };
};

async function treeOf(image: string): Promise<Record<string, string>> {
  const [document] = JSON.parse(await docker("image", "inspect", image)) as [ImageDocument];
  const { UpperDir: upper, LowerDir: lower } = document.GraphDriver.Data;
  const target = join(work, "mount");
  mkdirSync(target, { recursive: true });
  mkdirSync(join(work, "empty"), { recursive: true });
  const lowers = [upper, ...(lower ?? join(work, "empty")).split(":")].join(":");
  const mounted = Bun.spawnSync(["mount", "-t", "overlay", "-o", `lowerdir=${lowers}`, "overlay", target]);
  if (mounted.exitCode !== 0) throw new Error(mounted.stderr.toString());
  try {
    return observeTree(target);
  } finally {
    Bun.spawnSync(["umount", target]);
  }
}

async function observe(given: GoldenCase, number: number): Promise<Observation> {
  const folder = join(work, String(number));
  makeContext(folder, given);
  const words: string[] = [];
  for (const [name, value] of Object.entries(given.arguments ?? {})) words.push("--build-arg", `${name}=${value}`);
  for (const [name, value] of Object.entries(given.labels ?? {})) words.push("--label", `${name}=${value}`);
  if (given.target !== undefined) words.push("--target", given.target);
  for (const [id, value] of Object.entries(given.secrets ?? {})) {
    writeFileSync(join(work, `secret-${id}`), value);
    words.push("--secret", `id=${id},src=${join(work, `secret-${id}`)}`);
  }
  const tag = `golden-${number}`;
  await docker("build", "-q", "-t", tag, ...words, folder);
  const [document] = JSON.parse(await docker("image", "inspect", tag)) as [ImageDocument];
  const history = JSON.parse(
    `[${(await docker("history", "--no-trunc", "--format", "{{json .}},", tag)).trim().replace(/,$/, "")}]`,
  ) as { CreatedBy: string }[];
  const startsFromBusybox = !/^FROM scratch/m.test(given.dockerfile.split(/\n(?=FROM )/).at(-1) ?? "");
  const before = startsFromBusybox ? await treeOf("busybox") : {};
  return {
    tree: treeChanges(before, await treeOf(tag), ["/sys", "/proc", "/dev", ...(given.ignore ?? [])]),
    config: plainConfig(document.Config),
    history: history.map((entry) => entry.CreatedBy).reverse(),
  };
}

try {
  await docker("load", "-q", "-i", await busyboxArchive());
  const goldens: Record<string, Observation> = {};
  for (const [number, given] of goldenCases.entries()) goldens[given.name] = await observe(given, number);
  writeFileSync(join(import.meta.dir, "goldens.json"), `${JSON.stringify(goldens, undefined, 1)}\n`);
  console.log(`${Object.keys(goldens).length} cases recorded`);
} finally {
  await engine.destroy();
  rmSync(work, { recursive: true, force: true });
}
