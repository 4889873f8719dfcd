import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, mustRun } from "./command.ts";
import { isAlive, processesNaming, signalProcess } from "./process.ts";

export type EngineName = "berth" | "dockerd" | "podman";

export type EngineOptions = {
  /** Further daemon flags. */
  readonly flags?: readonly string[];
  /** Data on this directory instead of one below the engine's own. */
  readonly dataRoot?: string;
  /** Run the daemon in this network namespace (a path), so that two engines' rules never meet. */
  readonly networkNamespace?: string;
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
  /** Stops everything that belongs to the engine and removes its directory. */
  destroy(): Promise<void>;
};

const repository = join(import.meta.dir, "../..");

function daemonCommand(engine: Omit<EngineProcess, "pid" | "start" | "halt" | "kill" | "destroy">): readonly string[] {
  const roots = ["--data-root", engine.dataRoot, "--exec-root", engine.execRoot];
  const pidfile = join(engine.directory, "daemon.pid");
  switch (engine.name) {
    case "berth":
      return [
        process.env["BERTH_BINARY"] ?? join(repository, "bin/berth"),
        "daemon",
        "--host",
        engine.host,
        ...roots,
        "--pidfile",
        pidfile,
      ];
    case "dockerd":
      return ["dockerd", "--host", engine.host, ...roots, "--pidfile", pidfile, "--storage-driver", "overlay2"];
    case "podman":
      return [
        "podman",
        "--root",
        engine.dataRoot,
        "--runroot",
        engine.execRoot,
        "--cgroup-manager=cgroupfs",
        "--events-backend=file",
        "system",
        "service",
        "--time=0",
        engine.host,
      ];
  }
}

/** Starts an engine on roots of its own and waits until it answers. */
export async function startEngine(name: EngineName, options: EngineOptions = {}): Promise<EngineProcess> {
  const directory = mkdtempSync(join(tmpdir(), `${name}-test-`));
  const socket = join(directory, "api.sock");
  const paths = {
    name,
    directory,
    socket,
    host: `unix://${socket}`,
    dataRoot: options.dataRoot ?? join(directory, "data"),
    execRoot: join(directory, "exec"),
    logFile: join(directory, "daemon.log"),
  };
  mkdirSync(paths.dataRoot, { recursive: true });
  mkdirSync(paths.execRoot, { recursive: true });
  let daemonPid = 0;
  const start = async (): Promise<void> => {
    // Not a child of this process: a test runner that clears up after a timed-out test must not take the daemon with it.
    const prefix = options.networkNamespace === undefined ? [] : ["nsenter", `--net=${options.networkNamespace}`];
    const launched = await mustRun(
      ["sh", "-c", 'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!', "sh", paths.logFile].concat(
        prefix,
        daemonCommand(paths),
        options.flags ?? [],
      ),
      { environment: daemonEnvironment },
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
    async destroy() {
      if (isAlive(daemonPid)) await engine.halt();
      await endRemainder(directory);
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

/** Nothing may point a client, or the daemon's own client parts, at another engine. */
const daemonEnvironment = { DOCKER_HOST: "", BERTH_HOST: "", CONTAINER_HOST: "" };

async function answers(socket: string): Promise<boolean> {
  try {
    const response = await fetch("http://localhost/_ping", { unix: socket });
    return response.ok;
  } catch {
    return false; // not listening yet
  }
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
