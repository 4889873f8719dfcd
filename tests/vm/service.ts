import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, runCommand, type CommandResult } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";

/** The machine's own daemon, installed as a service; these tests may do to it what they like. */
export const socket = "/run/berth/berth.sock";

const environment = { DOCKER_HOST: `unix://${socket}`, DOCKER_BUILDKIT: "0" };

/** `berth …`, which must succeed; its output without the final newline. */
export async function berth(...words: string[]): Promise<string> {
  return (await mustRun([berthBinary, ...words], { timeoutMs: 180_000 })).trimEnd();
}

/** `docker …` against the daemon, whatever the exit code. */
export function dockerResult(...words: string[]): Promise<CommandResult> {
  return runCommand(["docker", ...words], { environment, timeoutMs: 180_000 });
}

/** `docker …` against the daemon (it starts faster than ours from source), which must succeed. */
export async function docker(...words: string[]): Promise<string> {
  return (await mustRun(["docker", ...words], { environment, timeoutMs: 180_000 })).trimEnd();
}

/** One GET of the API. */
export async function get<Body>(path: string): Promise<Body> {
  const response = await fetch(`http://localhost${path}`, { unix: socket, headers: { Connection: "close" } });
  return (await response.json()) as Body;
}

/** A container that sleeps; its id. */
export function sleeper(...options: string[]): Promise<string> {
  return docker("run", "-d", ...options, "busybox", "sleep", "100000");
}

/** Main process of a container. */
export async function pidOf(container: string): Promise<number> {
  return Number(await docker("inspect", "-f", "{{.State.Pid}}", container));
}

/** Control group of a process on the host, as a path in the one hierarchy. */
export function groupOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim();
  if (!line.startsWith("0::")) throw new Error(`not cgroup v2: ${line}`);
  return line.slice(3);
}

/** A file of a container's control group. */
export async function groupFile(container: string, name: string): Promise<string> {
  return readFileSync(join("/sys/fs/cgroup", groupOf(await pidOf(container)), name), "utf8").trim();
}
