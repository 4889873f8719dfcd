import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxArchive } from "../../tests/engines/busybox-image.ts";
import { mustRun, runCommand } from "../../tests/engines/command.ts";
import type { MeasuredEngine } from "../engine.ts";
import { type Samples, timed, type Workload } from "../workload.ts";
import { makeContext } from "./build.ts";
import { nodeBase } from "./node-base.ts";

/** One way to have an engine build: which client speaks to which builder. */
type Builder = {
  /** As the rows have it. */
  readonly name: string;
  build(folder: string): Promise<void>;
  importImage(archive: string, tag: string): Promise<void>;
  close(): Promise<void>;
};

/** The last docker command that speaks to a daemon's BuildKit without buildx. */
const oldDocker = [join(import.meta.dir, "../../.cache/buildkit-clients/old/usr/bin/docker"), "/usr/bin/docker"];
const limit = { timeoutMs: 900_000 };

/** The builders of one engine; podman's is buildah, by its own command on roots of its own. */
async function buildersOf(engine: MeasuredEngine): Promise<readonly Builder[]> {
  const { environment } = engine;
  if (engine.name === "podman") return [await buildah(engine)];
  const importImage = async (archive: string, tag: string) => {
    await mustRun(["docker", "import", archive, tag], { environment, ...limit });
  };
  const common = { importImage, close: async () => {} };
  const classic: Builder = {
    ...common,
    name: "classic API",
    build: async (folder) => {
      await mustRun(["docker", "build", "-q", "-t", "bench", folder], { environment, ...limit });
    },
  };
  const docker = oldDocker.find((path) => existsSync(path));
  if (docker === undefined) throw new Error("docker 20.10 is missing: run scripts/buildkit-clients");
  const kit: Builder = {
    ...common,
    name: "BuildKit API",
    build: async (folder) => {
      const kitEnvironment = { ...environment, DOCKER_BUILDKIT: "1" };
      await mustRun([docker, "build", "-q", "-t", "bench", folder], { environment: kitEnvironment, ...limit });
    },
  };
  const own: Builder = {
    ...common,
    name: "own command",
    build: async (folder) => {
      await mustRun([...engine.command, "build", "-q", "-t", "bench", folder], { environment, ...limit });
    },
  };
  return engine.name === "berth" ? [classic, kit, own] : [classic, kit];
}

async function buildah(engine: MeasuredEngine): Promise<Builder> {
  if (Bun.which("buildah") === null) throw new Error("buildah is not installed");
  const directory = mkdtempSync(join(tmpdir(), "berth-bench-buildah-"));
  const roots = ["--root", join(directory, "root"), "--runroot", join(directory, "run"), "--storage-driver", "overlay"];
  const command = ["nsenter", `--net=/run/netns/${engine.namespace}`, "buildah", ...roots];
  const run = (...words: string[]) => mustRun([...command, ...words], { ...limit, environment: engine.environment });
  const add = async (words: readonly string[], tag: string) => {
    const container = (await run("from", "scratch")).trim();
    await run("add", container, ...words);
    await run("commit", "-q", container, tag);
    await run("rm", container);
  };
  const importBusybox = async () => {
    await run("pull", "-q", `docker-archive:${await busyboxArchive()}`);
  };
  await importBusybox();
  return {
    name: "own command",
    build: async (folder) => {
      const options = ["--layers", "--isolation", "oci", "--runtime", Bun.which("crun") ?? "runc", "--pull-never"];
      await run("bud", "-q", ...options, "-t", "bench", folder);
    },
    importImage: (archive, tag) => add([archive, "/"], tag),
    close: async () => {
      await runCommand([...command, "rmi", "--all", "--force"]);
      await runCommand(["umount", join(directory, "root/overlay")]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Does `work` with each builder of an engine; the rows are named after the builder. */
async function withBuilders(
  engine: MeasuredEngine,
  work: (builder: Builder) => Promise<Readonly<Record<string, number>>>,
): Promise<Samples> {
  const samples: Record<string, readonly number[]> = {};
  const builders = await buildersOf(engine);
  try {
    for (const builder of builders) {
      for (const [metric, figure] of Object.entries(await work(builder)))
        samples[`${metric}, ${builder.name} [ms]`] = [figure];
    }
  } finally {
    for (const builder of builders) await builder.close();
  }
  return samples;
}

/** W17: W10, W11 and a chain of small RUNs, by each builder there is. */
export const builders: Workload = {
  id: "W17",
  title: "builds by every builder: cached, 10 COPY and 10 RUN, 20 small RUNs (podman's column: buildah)",
  round: (engine) =>
    withBuilders(engine, async (builder) => {
      const stamp = `${builder.name.replace(" ", "-")}-${performance.now()}`;
      const cold = makeContext(1000, 10, stamp);
      const chain = mkdtempSync(join(tmpdir(), "berth-bench-chain-"));
      const runs = Array.from({ length: 20 }, (_, index) => `RUN echo ${index} ${stamp} > /file-${index}`);
      writeFileSync(join(chain, "Dockerfile"), `FROM busybox\n${runs.join("\n")}\n`);
      try {
        const first = await timed(() => builder.build(cold));
        const again = await timed(() => builder.build(cold));
        const small = await timed(() => builder.build(chain));
        return { "W17 10 COPY and 10 RUN": first, "W17 the same, cached": again, "W17 20 small RUNs": small };
      } finally {
        for (const folder of [cold, chain]) rmSync(folder, { recursive: true });
      }
    }),
};

/** A manifest and a lock file of 581 packages: the same files on any day. */
const projectFolder = join(import.meta.dir, "node-project");

/** The parts of a lock file that say where a package comes from. */
type Lock = { readonly packages: Record<string, { readonly name?: string; version: string; resolved?: string }> };

const projectDockerfile = (stamp: string) => `FROM node-base AS dependencies
ENV STAMP=${stamp}
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY npm-cache /npm-cache
RUN npm ci --offline --cache /npm-cache --ignore-scripts --no-audit --no-fund

FROM dependencies AS build
COPY tsconfig.json ./
COPY src src
RUN npx tsc -p .

FROM build AS test
RUN node --test dist > /report

FROM node-base AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY npm-cache /npm-cache
RUN echo ${stamp} && npm ci --offline --cache /npm-cache --omit=dev --ignore-scripts --no-audit --no-fund && rm -r /npm-cache

FROM node-base
WORKDIR /app
ENV NODE_ENV=production
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=test /report report
COPY package.json ./
USER nobody
CMD ["node", "dist/module-0.js"]
`;

let project: Promise<string> | undefined;

/** The project with its packages in an npm cache of its own, so that no builder waits for a registry; made once a run. */
async function makeProject(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "berth-bench-node-project-"));
  copyFileSync(join(projectFolder, "package.json"), join(folder, "package.json"));
  const registry = (await mustRun(["npm", "config", "get", "registry"])).trim().replace(/\/$/, "");
  // With the address of each archive `npm ci` asks for nothing else; npm's cache is by address.
  const lock = JSON.parse(readFileSync(join(projectFolder, "package-lock.json"), "utf8")) as Lock;
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === "") continue;
    const name = entry.name ?? path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    entry.resolved = `${registry}/${name}/-/${name.split("/").at(-1)}-${entry.version}.tgz`;
  }
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock, undefined, 2));
  writeFileSync(join(folder, ".npmrc"), `registry=${registry}/\n`);
  const npm = ["npm", "ci", "--cache", join(folder, "npm-cache"), "--ignore-scripts", "--no-audit", "--no-fund"];
  await mustRun(["sh", "-c", `cd "$0" && exec "$@"`, folder, ...npm], limit);
  rmSync(join(folder, "node_modules"), { recursive: true });
  rmSync(join(folder, "npm-cache/_logs"), { recursive: true, force: true });
  const options = {
    module: "nodenext",
    target: "es2022",
    outDir: "dist",
    rootDir: "src",
    strict: true,
    types: ["node"],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
  mkdirSync(join(folder, "src"));
  for (let index = 0; index < 100; index += 1) {
    const lines = Array.from({ length: 40 }, (_, line) => `export const value${line}: number = ${line} + ${index};`);
    writeFileSync(join(folder, "src", `module-${index}.ts`), lines.join("\n"));
  }
  const test = 'import { test } from "node:test";\ntest("nothing", () => {});\n';
  for (let index = 0; index < 5; index += 1) writeFileSync(join(folder, "src", `module-${index}.test.ts`), test);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** W18: a real project with real packages: TypeScript, Jest, webpack, ESLint, Express. Its files are those of npm's registry. */
export const nodeProject: Workload = {
  id: "W18",
  title:
    "build of a Node project with real packages, five stages: first, after an edit, cached (podman's column: buildah)",
  prepare: async () => {
    project ??= makeProject();
    await Promise.all([project, nodeBase()]);
  },
  round: (engine) =>
    withBuilders(engine, async (builder) => {
      const folder = await (project ?? makeProject());
      await builder.importImage(await nodeBase(), "node-base");
      const stamp = `${builder.name.replace(" ", "-")}-${performance.now()}`;
      writeFileSync(join(folder, "Dockerfile"), projectDockerfile(stamp));
      const source = join(folder, "src/module-1.ts");
      const first = await timed(() => builder.build(folder));
      writeFileSync(source, `export const changed: string = ${JSON.stringify(stamp)};\n`);
      const edited = await timed(() => builder.build(folder));
      const cached = await timed(() => builder.build(folder));
      return { "W18 first": first, "W18 edited source": edited, "W18 cached": cached };
    }),
};
