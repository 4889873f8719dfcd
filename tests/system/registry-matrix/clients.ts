import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../../engines/engine.ts";

/** How a registry is spoken to. */
export type Reach = {
  readonly host: string;
  /** A directory with its authority as `ca.crt`; without, it speaks plain HTTP. */
  readonly certificates?: string | undefined;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
};

/** An engine that keeps images and shows their trees. */
export type MatrixClient = {
  readonly name: "berth" | "docker" | "podman";
  login(reach: Reach): Promise<void>;
  load(archive: string): Promise<void>;
  tag(source: string, target: string): Promise<void>;
  push(reach: Reach, image: string): Promise<void>;
  pull(reach: Reach, image: string, ...flags: string[]): Promise<void>;
  /** All names of it, and what nothing else needs. */
  remove(...images: string[]): Promise<void>;
  /** What is below /tree in it. */
  tree(image: string): Promise<string>;
  layers(image: string): Promise<readonly string[]>;
  architecture(image: string): Promise<string>;
  close(): Promise<void>;
};

const timeoutMs = 1_200_000;
const listTree = (path: string) => mustRun(["python3", join(import.meta.dir, "tree.py"), path], { timeoutMs });

/** `berth` or `docker` with a daemon of its own. */
async function openDockerLike(name: "berth" | "docker", scratch: string): Promise<MatrixClient> {
  const engine: EngineProcess = await startEngine(name === "berth" ? "berth" : "dockerd");
  const config = join(scratch, `${name}-config`);
  mkdirSync(config);
  const environment = { DOCKER_HOST: engine.host, BERTH_HOST: engine.host, DOCKER_CONFIG: config };
  const run = (...words: string[]) =>
    mustRun([name === "berth" ? berthBinary : "docker", ...words], { environment, timeoutMs });
  const inspect = async (image: string, format: string) =>
    (await run("image", "inspect", "--format", format, image)).trim();
  return {
    name,
    login: async ({ host, login }) => {
      if (login !== undefined) await run("login", "-u", login.user, "-p", login.password, host);
    },
    load: async (archive) => void (await run("load", "-q", "-i", archive)),
    tag: async (source, target) => void (await run("tag", source, target)),
    push: async (_reach, image) => void (await run("push", "-q", image)),
    pull: async (_reach, image, ...flags) => void (await run("pull", "-q", ...flags, image)),
    remove: async (...images) => {
      await run("rmi", "-f", ...images);
      await run("image", "prune", "-f");
    },
    tree: async (image) => {
      const id = (await run("run", "-d", "--network", "none", image)).trim();
      try {
        const pid = (await run("inspect", "--format", "{{.State.Pid}}", id)).trim();
        return await listTree(`/proc/${pid}/root/tree`);
      } finally {
        await run("rm", "-f", id);
      }
    },
    layers: async (image) => JSON.parse(await inspect(image, "{{json .RootFS.Layers}}")) as string[],
    architecture: (image) => inspect(image, "{{.Architecture}}"),
    close: () => engine.destroy(),
  };
}

/** Podman on roots of its own. */
function openPodman(scratch: string): MatrixClient {
  const root = join(scratch, "podman");
  const roots = ["--root", root, "--runroot", join(scratch, "podman-run"), "--storage-driver", "overlay"];
  const run = (...words: string[]) => mustRun(["podman", ...roots, ...words], { timeoutMs });
  const files = join(scratch, "podman-auth.json");
  const flagsOf = ({ certificates, login }: Reach) => [
    ...(certificates === undefined ? ["--tls-verify=false"] : [`--cert-dir=${certificates}`]),
    ...(login === undefined ? [] : [`--authfile=${files}`]),
  ];
  const inspect = async (image: string, format: string) =>
    (await run("image", "inspect", "--format", format, image)).trim();
  return {
    name: "podman",
    login: async (reach) => {
      const { host, login } = reach;
      if (login !== undefined) await run("login", ...flagsOf(reach), "-u", login.user, "-p", login.password, host);
    },
    load: async (archive) => void (await run("load", "-q", "-i", archive)),
    tag: async (source, target) => void (await run("tag", source, target)),
    push: async (reach, image) => void (await run("push", "-q", ...flagsOf(reach), image)),
    pull: async (reach, image, ...flags) => void (await run("pull", "-q", ...flagsOf(reach), ...flags, image)),
    remove: async (...images) => void (await run("rmi", "-f", ...images)),
    tree: async (image) => {
      const mounted = (await run("image", "mount", image)).trim();
      try {
        return await listTree(join(mounted, "tree"));
      } finally {
        await run("image", "unmount", image);
      }
    },
    layers: async (image) => JSON.parse(await inspect(image, "{{json .RootFS.Layers}}")) as string[],
    architecture: (image) => inspect(image, "{{.Architecture}}"),
    close: async () => {
      await run("rmi", "-a", "-f");
      // Podman bind-mounts its own storage while it is used.
      for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n").toReversed()) {
        const place = line.split(" ")[4] ?? "";
        if (place === `${root}/overlay` || place.startsWith(`${root}/`)) await mustRun(["umount", "--lazy", place]);
      }
      if (existsSync(root)) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** All three. */
export async function openClients(scratch: string): Promise<readonly MatrixClient[]> {
  const [berth, docker] = await Promise.all([openDockerLike("berth", scratch), openDockerLike("docker", scratch)]);
  return [berth, docker, openPodman(scratch)];
}
