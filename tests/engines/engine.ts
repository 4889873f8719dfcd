import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { eventually, mustRun, runCommand } from "./command.ts";
import { isAlive, processesInCgroup, processesNaming, signalProcess } from "./process.ts";

export type EngineName = "berth" | "dockerd" | "podman";

export type EngineOptions = {
  /** Further daemon flags. */
  readonly flags?: readonly string[];
  /** Data on this directory instead of one below the engine's own. */
  readonly dataRoot?: string;
  /** Run the daemon in this network namespace (a path), so that two engines' rules never meet. */
  readonly networkNamespace?: string;
  /** Run it in this mount namespace (a path): files of /etc that are its own. */
  readonly mountNamespace?: string;
  /** "uid.gid" of the containers' root under `--userns-remap`: the name of the roots that the daemon then has. */
  readonly remappedTo?: string;
};

/** A daemon started for tests or measurements, all of whose files live in one temporary directory. */
export type EngineProcess = {
  readonly name: EngineName;
  /** Everything the engine writes is below this directory. */
  readonly directory: string;
  readonly socket: string;
  /** As for DOCKER_HOST. */
  readonly host: string;
  readonly dataRoot: string;
  readonly execRoot: string;
  readonly logFile: string;
  /** Process id of the daemon that answers now. */
  pid(): number;
  /** Starts the daemon again on the same directories (after `kill` or `halt`). */
  start(): Promise<void>;
  /** SIGTERM, then waits for the daemon alone to end. */
  halt(): Promise<void>;
  /** SIGKILL to the daemon alone. */
  kill(): Promise<void>;
  /** As if the power went: no process, mount or file of a running machine is left; what is on disk is. `start` boots again. */
  cutPower(): Promise<void>;
  /** Stops everything that belongs to the engine and removes its directory. */
  destroy(): Promise<void>;
};

type EnginePaths = Pick<EngineProcess, "directory" | "socket" | "host" | "dataRoot" | "execRoot" | "logFile">;

const rootFlags = ({ directory, host, dataRoot, execRoot }: EnginePaths): readonly string[] => [
  "--host",
  host,
  "--data-root",
  dataRoot,
  "--exec-root",
  execRoot,
  "--pidfile",
  join(directory, "daemon.pid"),
];

/** The `berth` under test: that of this checkout, or the file BERTH_BINARY names. */
export const berthBinary = process.env["BERTH_BINARY"] ?? join(import.meta.dir, "../../bin/berth");

const daemonCommands: Readonly<Record<EngineName, (paths: EnginePaths) => readonly string[]>> = {
  berth: (paths) => [berthBinary, "daemon", ...rootFlags(paths)],
  dockerd: (paths) => ["dockerd", ...rootFlags(paths), "--storage-driver", "overlay2"],
  podman: ({ dataRoot, execRoot, host }) =>
    ["podman", "--root", dataRoot, "--runroot", execRoot, "--cgroup-manager=cgroupfs", "--events-backend=file"].concat([
      "system",
      "service",
      "--time=0",
      host,
    ]),
};

/** Starts an engine on roots of its own and waits until it answers. */
export async function startEngine(name: EngineName, options: EngineOptions = {}): Promise<EngineProcess> {
  const directory = mkdtempSync(join(tmpdir(), `${name}-test-`));
  const socket = join(directory, "api.sock");
  const paths = {
    name,
    directory,
    socket,
    host: `unix://${socket}`,
    dataRoot: join(options.dataRoot ?? join(directory, "data"), options.remappedTo ?? ""),
    execRoot: join(directory, "exec", options.remappedTo ?? ""),
    logFile: join(directory, "daemon.log"),
  };
  mkdirSync(paths.dataRoot, { recursive: true });
  mkdirSync(paths.execRoot, { recursive: true });
  // As containers' root is another user then, it must be let through to them.
  if (options.remappedTo !== undefined) chmodSync(directory, 0o711);
  const given = { ...paths, dataRoot: options.dataRoot ?? join(directory, "data"), execRoot: join(directory, "exec") };
  let daemonPid = 0;
  const start = async (): Promise<void> => {
    // Not a child of this process: a test runner that clears up after a timed-out test must not take the daemon with it.
    const { networkNamespace, mountNamespace } = options;
    const namespaces = [
      ...(networkNamespace === undefined ? [] : [`--net=${networkNamespace}`]),
      ...(mountNamespace === undefined ? [] : [`--mount=${mountNamespace}`]),
    ];
    const prefix = namespaces.length === 0 ? [] : ["nsenter", ...namespaces];
    const launched = await mustRun(
      [
        "sh",
        "-c",
        'log=$1; shift; unset DOCKER_HOST BERTH_HOST CONTAINER_HOST; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!',
        "sh",
        paths.logFile,
      ].concat(prefix, daemonCommands[name](given), options.flags ?? []),
      { environment: name === "podman" ? { CONTAINERS_CONF: podmanConfiguration(directory) } : {} },
    );
    daemonPid = Number(launched);
    await eventually(
      `${name} to answer`,
      async () => {
        if (!isAlive(daemonPid))
          throw new Error(`${name} ended at start:\n${readFileSync(paths.logFile, "utf8").slice(-4000)}`);
        return existsSync(socket) && (await answers(socket));
      },
      30_000,
    );
  };
  const waitForEnd = () => eventually(`${name} to end`, () => !isAlive(daemonPid), 30_000);
  const engine: EngineProcess = {
    ...paths,
    pid: () => daemonPid,
    start,
    async halt() {
      signalProcess(daemonPid, "SIGTERM");
      await waitForEnd();
    },
    async kill() {
      signalProcess(daemonPid, "SIGKILL");
      await waitForEnd();
    },
    async cutPower() {
      const remainder = () => processesNaming(directory);
      for (const { pid } of remainder()) signalProcess(pid, "SIGKILL");
      await eventually("the engine's processes to die", () => remainder().length === 0);
      if (name === "berth") await endContainers(paths.dataRoot);
      await unmountBelow(directory);
      await unmountBelow(paths.dataRoot);
      rmSync(paths.execRoot, { recursive: true, force: true });
      mkdirSync(paths.execRoot);
    },
    async destroy() {
      if (isAlive(daemonPid)) {
        await removeContainers(socket);
        await engine.halt();
      }
      await endRemainder(directory);
      // Containers of a daemon that could not be asked to remove them.
      if (name === "berth") await endContainers(paths.dataRoot);
      await unmountBelow(directory);
      await unmountBelow(paths.dataRoot);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await engine.destroy();
    throw error;
  }
  return engine;
}

/** Podman's defaults ask for higher limits than a host without CAP_SYS_RESOURCE can give. */
function podmanConfiguration(directory: string): string {
  const path = join(directory, "containers.conf");
  writeFileSync(
    path,
    '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n[engine]\nruntime = "crun"\n',
  );
  return path;
}

async function answers(socket: string): Promise<boolean> {
  try {
    const response = await fetch("http://localhost/_ping", { unix: socket });
    return response.ok;
  } catch {
    return false; // not listening yet
  }
}

/** Containers outlive some daemons, so they go first. */
async function removeContainers(socket: string): Promise<void> {
  const get = { unix: socket, headers: { Connection: "close" } };
  const list = (await (await fetch("http://localhost/containers/json?all=1", get)).json()) as readonly { Id: string }[];
  await Promise.all(
    list.map(({ Id }) => fetch(`http://localhost/containers/${Id}?force=1&v=1`, { ...get, method: "DELETE" })),
  );
}

/** What a daemon of this data root calls its things on the host; the same rule as the daemon's. */
export function hostNames(dataRoot: string): {
  readonly bridge: string;
  readonly table: string;
  readonly cgroup: string;
} {
  const short = (text: string, length: number) =>
    new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, length);
  const instance = short(resolve(dataRoot), 8);
  const hash = short(instance, 12);
  return { bridge: `br-${hash}`, table: `berth_${hash}`, cgroup: `berth-${instance}` };
}

/** Ends what runs in the daemon's control groups, and removes what it calls its own on the host. */
async function endContainers(dataRoot: string): Promise<void> {
  const orphans = () => processesInCgroup(`/${hostNames(dataRoot).cgroup}/`);
  for (const pid of orphans()) signalProcess(pid, "SIGKILL");
  await eventually("the engine's containers to end", () => orphans().length === 0);
  await removeHostNames(dataRoot);
}

/** A daemon leaves its bridge and its table for the next start; a test does not. */
async function removeHostNames(dataRoot: string): Promise<void> {
  const { bridge, table, cgroup } = hostNames(dataRoot);
  await runCommand(["ip", "link", "delete", bridge]);
  for (const family of ["inet", "ip", "ip6", "bridge"]) await runCommand(["nft", "delete", "table", family, table]);
  const groups = await runCommand(["find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", `*/${cgroup}*`]);
  for (const group of groups.stdout.split("\n").filter(Boolean)) await runCommand(["rmdir", group]);
}

/** Ends supervisors and helpers that outlive the daemon; they all name the engine's directory on their command line. */
async function endRemainder(directory: string): Promise<void> {
  for (const { pid } of processesNaming(directory)) signalProcess(pid, "SIGTERM");
  try {
    await eventually("the engine's helpers to end", () => processesNaming(directory).length === 0, 3000);
  } catch {
    for (const { pid } of processesNaming(directory)) signalProcess(pid, "SIGKILL");
    await eventually("the engine's helpers to die", () => processesNaming(directory).length === 0, 3000);
  }
}

async function unmountBelow(directory: string): Promise<void> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
  for (const path of mounts) await mustRun(["umount", "--lazy", path]);
}
