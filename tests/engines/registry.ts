import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, mustRun } from "./command.ts";
import { berthBinary } from "./engine.ts";
import { isAlive, signalProcess } from "./process.ts";

/** A `berth registry serve` of its own, whose files live in one temporary directory. */
export type RegistryProcess = {
  readonly directory: string;
  readonly root: string;
  readonly logFile: string;
  /** `127.0.0.1:PORT`, the same after each start. */
  readonly host: string;
  pid(): number;
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Stops it and takes its directory away. */
  destroy(): Promise<void>;
};

/** Starts one on a free port of this machine and waits until it listens. */
export async function startRegistry(
  flags: readonly string[] | ((directory: string) => Promise<readonly string[]>) = [],
  options: {
    /** What it stores goes here instead of below its own directory. */
    readonly root?: string;
  } = {},
): Promise<RegistryProcess> {
  const directory = mkdtempSync(join(tmpdir(), "berth-registry-test-"));
  const root = options.root ?? join(directory, "root");
  const logFile = join(directory, "log");
  const further = typeof flags === "function" ? await flags(directory) : flags;
  let pid = 0;
  let host = "127.0.0.1:0";
  const start = async () => {
    const before = readyLines().length;
    const command = [berthBinary, "registry", "serve", "--listen", host, "--root", root, ...further];
    const launched = await mustRun([
      "sh",
      "-c",
      'log=$1; shift; setsid "$@" </dev/null >>"$log" 2>&1 & echo $!',
      "sh",
      logFile,
      ...command,
    ]);
    pid = Number(launched);
    host = await eventually("the registry to listen", () => {
      if (!isAlive(pid)) throw new Error(`the registry ended at start:\n${readFileSync(logFile, "utf8")}`);
      return readyLines()[before];
    });
  };
  const readyLines = () => {
    try {
      return [...readFileSync(logFile, "utf8").matchAll(/registry is ready" addresses=https?:\/\/(\S+)/g)].map(
        ([, address = ""]) => address,
      );
    } catch {
      return []; // not written to yet
    }
  };
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    if (!isAlive(pid)) return;
    signalProcess(pid, signal);
    await eventually("the registry to end", () => !isAlive(pid));
  };
  const registry: RegistryProcess = {
    directory,
    root,
    logFile,
    get host() {
      return host;
    },
    pid: () => pid,
    start,
    kill: () => end("SIGKILL"),
    destroy: async () => {
      await end("SIGTERM");
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await start();
  } catch (error) {
    await registry.destroy();
    throw error;
  }
  return registry;
}
