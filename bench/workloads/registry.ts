import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../tests/engines/docker-registry.ts";
import { publishImage } from "../../tests/engines/publish-image.ts";
import { sampleLayer } from "../../tests/engines/sample-layers.ts";
import type { MeasuredEngine } from "../engine.ts";
import { timed, timedEach, type Workload } from "../workload.ts";

/** One set of files for all engines; each reads it through a docker-registry in its own network namespace. */
let published: Promise<string> | undefined;
const registries = new Map<string, Promise<DockerRegistry>>();

const layers = {
  many: () => sampleLayer({ seed: 1, files: 8000, totalBytes: 131e6 }),
  mixed: (index: number) => () =>
    sampleLayer({ seed: 10 + index, files: index % 3 === 0 ? 2500 : 100, totalBytes: 50e6 }),
};
const twelve = Array.from({ length: 12 }, (_, index) => layers.mixed(index));

function publish(): Promise<string> {
  return (published ??= (async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), "berth-bench-registry-"));
    process.on("exit", () => rmSync(dataDirectory, { recursive: true, force: true }));
    const registry = await startDockerRegistry({ dataDirectory });
    try {
      await publishImage(registry.host, "w7/many", "1", [layers.many]);
      await publishImage(registry.host, "w7/mixed", "1", twelve);
      await publishImage(registry.host, "w7/zstd", "1", [layers.many], { compression: "zstd" });
      await publishImage(registry.host, "w7/mixed", "2", [...twelve.slice(0, 11), layers.mixed(99)]);
    } finally {
      await registry.destroy();
    }
    return dataDirectory;
  })());
}

async function registryOf(engine: MeasuredEngine): Promise<DockerRegistry> {
  const known = registries.get(engine.namespace);
  if (known !== undefined) return known;
  const starting = publish().then((dataDirectory) =>
    startDockerRegistry({ dataDirectory, networkNamespace: `/run/netns/${engine.namespace}` }),
  );
  registries.set(engine.namespace, starting);
  const registry = await starting;
  const stop = engine.stop.bind(engine);
  Object.assign(engine, {
    stop: async () => {
      registries.delete(engine.namespace);
      await registry.destroy();
      await stop();
    },
  });
  if (engine.name === "podman") allowPlainHttp(engine, registry.host);
  return registry;
}

/** podman asks its own file whether a registry may lack TLS. */
function allowPlainHttp(engine: MeasuredEngine, host: string): void {
  const path = join(engine.process.directory, "registries.conf");
  writeFileSync(path, `[[registry]]\nlocation = "${host}"\ninsecure = true\n`);
  Object.assign(engine.environment, { CONTAINERS_REGISTRIES_CONF: path });
}

async function pull(engine: MeasuredEngine, image: string): Promise<void> {
  if (engine.name === "podman") await engine.cli(["pull", "-q", image]);
  else await engine.docker(["pull", "-q", image]);
}

async function remove(engine: MeasuredEngine, ...images: string[]): Promise<void> {
  if (engine.name === "podman") await engine.cli(["rmi", "-f", ...images]);
  else await engine.docker(["rmi", "-f", ...images]);
}

/** Highest memory of the daemon since the last call, in MB; 0 for engines without one. */
function peakMemory(engine: MeasuredEngine): number {
  if (engine.name === "podman") return 0;
  const pid = engine.process.pid();
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  // proc(5): writing 5 sets the mark back to what is used now.
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

/** W7: everything is downloaded, unpacked and, for Berth, on disk. */
export const pullCold: Workload = {
  id: "W7",
  title: "pull, cold: 8000 files in one layer; 12 layers of 600 MB; one layer of zstd",
  prepare: async (engine) => void (await registryOf(engine)),
  round: async (engine) => {
    const { host } = await registryOf(engine);
    const samples: Record<string, number[]> = {};
    for (const [name, title] of [
      ["many", "W7a pull, 1 layer, 131 MB, 8000 files [ms]"],
      ["mixed", "W7b pull, 12 layers, 600 MB [ms]"],
      ["zstd", "W7c pull, 1 layer, zstd [ms]"],
    ] as const) {
      // Debian's podman and docker of today know zstd; dockerd 20.10 does not.
      if (name === "zstd" && engine.name === "dockerd") continue;
      const image = `${host}/w7/${name}:1`;
      peakMemory(engine);
      samples[title] = [await timed(() => pull(engine, image))];
      if (name === "mixed") samples["W7b peak memory of the daemon [MB]"] = [peakMemory(engine)];
      await remove(engine, image);
    }
    return samples;
  },
};

/** W8: nothing, or little, is new. */
export const pullWarm: Workload = {
  id: "W8",
  title: "pull, warm: nothing new; one layer of 12 new",
  prepare: async (engine) => void (await registryOf(engine)),
  round: async (engine) => {
    const { host, requests } = await registryOf(engine);
    const [first, second] = [`${host}/w7/mixed:1`, `${host}/w7/mixed:2`];
    await pull(engine, first);
    const before = requests().length;
    const nothing = await timedEach(5, () => pull(engine, first));
    const blobs = requests()
      .slice(before)
      .filter((request) => request.includes("/blobs/")).length;
    const one = await timed(() => pull(engine, second));
    await remove(engine, first, second);
    return {
      "W8 pull, nothing new [ms]": nothing,
      "W8 pull, nothing new: blobs asked for": [blobs],
      "W8 pull, 1 layer of 12 new [ms]": [one],
    };
  },
};

/** W9: a push of what was pulled, and a push of what nobody has. */
export const pushes: Workload = {
  id: "W9",
  title: "push: unchanged after a pull; 131 MB that the registry lacks",
  prepare: async (engine) => void (await registryOf(engine)),
  round: async (engine) => {
    const { host, requests } = await registryOf(engine);
    const image = `${host}/w7/many:1`;
    await pull(engine, image);
    const push = (name: string) =>
      engine.name === "podman" ? engine.cli(["push", "-q", name]) : engine.docker(["push", "-q", name]);
    const before = requests().length;
    const unchanged = await timedEach(3, () => push(image));
    const sent = requests()
      .slice(before)
      .filter((request) => /^(?:PATCH|PUT) .*\/blobs\//.test(request)).length;
    // A layer of its own, so that nothing of it can be there.
    const fresh = `${host}/w9/${engine.name}-${Date.now()}:1`;
    const file = join(engine.process.directory, "w9.tar");
    const stamp = Math.floor(Math.random() * 2 ** 31);
    writeFileSync(file, Buffer.concat([...sampleLayer({ seed: stamp, files: 2000, totalBytes: 131e6 })]));
    if (engine.name === "podman") await engine.cli(["import", "-q", file, fresh]);
    else await engine.docker(["import", file, fresh]);
    const first = await timed(() => push(fresh));
    await remove(engine, image, fresh);
    rmSync(file);
    return {
      "W9 push, unchanged [ms]": unchanged,
      "W9 push, unchanged: uploads": [sent],
      "W9 push, 131 MB new [ms]": [first],
    };
  },
};
