import { existsSync } from "node:fs";
import { busyboxArchive } from "../tests/engines/busybox-image.ts";
import { mustRun, runCommand } from "../tests/engines/command.ts";
import { berthBinary, type EngineName, type EngineProcess, startEngine } from "../tests/engines/engine.ts";
import { type Connection, openConnection } from "./http.ts";

/** An engine under measurement: its daemon in a network namespace of its own, one connection, one command. */
export type MeasuredEngine = {
  readonly name: EngineName;
  readonly process: EngineProcess;
  readonly namespace: string;
  readonly connection: Connection;
  /** The engine's own command with what it needs to find the engine. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the engine's own command; throws when it fails. */
  cli(words: readonly string[], options?: { readonly input?: string }): Promise<string>;
  /** Runs the docker command against the engine: the same client for all. */
  docker(words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
};

/** The engines installed here. */
export function installedEngines(): readonly EngineName[] {
  const engines: EngineName[] = [];
  if (existsSync(berthBinary)) engines.push("berth");
  if (Bun.which("dockerd") !== null) engines.push("dockerd");
  if (Bun.which("podman") !== null) engines.push("podman");
  return engines;
}

/** Starts an engine on empty roots with `busybox:latest` loaded. */
export async function measuredEngine(name: EngineName): Promise<MeasuredEngine> {
  const namespace = `bench-${name}-${process.pid}`;
  await mustRun(["ip", "netns", "add", namespace]);
  try {
    await mustRun(["ip", "-n", namespace, "link", "set", "lo", "up"]);
    const networkNamespace = `/run/netns/${namespace}`;
    const engine = await startEngine(name, { networkNamespace });
    const environment = {
      DOCKER_HOST: engine.host,
      BERTH_HOST: engine.host,
      DOCKER_BUILDKIT: "0",
      DOCKER_CLI_HINTS: "false",
      ...(name === "podman"
        ? { CONTAINERS_CONF: `${engine.directory}/containers.conf`, DOCKER_HOST: engine.host }
        : {}),
    };
    const podmanRoots = ["--root", engine.dataRoot, "--runroot", engine.execRoot, "--cgroup-manager=cgroupfs"];
    const command = {
      berth: [berthBinary],
      dockerd: ["docker"],
      podman: ["nsenter", `--net=${networkNamespace}`, "podman", ...podmanRoots, "--events-backend=file"],
    }[name];
    await mustRun(["docker", "load", "-q", "-i", await busyboxArchive()], { environment });
    return {
      name,
      process: engine,
      namespace,
      connection: await openConnection(engine.socket),
      command,
      environment,
      cli: (words, options = {}) => mustRun([...command, ...words], { environment, timeoutMs: 300_000, ...options }),
      docker: (words) => mustRun(["docker", ...words], { environment, timeoutMs: 300_000 }),
      async stop() {
        await engine.destroy();
        await runCommand(["ip", "netns", "delete", namespace]);
      },
    };
  } catch (error) {
    await runCommand(["ip", "netns", "delete", namespace]);
    throw error;
  }
}
