import { humanDuration, type Nanoseconds } from "#base";
import type { ContainerState } from "#engine";

function since(time: Nanoseconds | undefined, nowMs: number): string {
  return time === undefined ? "Less than a second" : humanDuration(nowMs - Number(time / 1_000_000n));
}

/** The prose of `docker ps` (moby: daemon/container/state.go, String). */
export function statusProse(state: ContainerState, nowMs: number): string {
  if (state.running) {
    if (state.paused) return `Up ${since(state.startedAt, nowMs)} (Paused)`;
    if (state.restarting) return `Restarting (${state.exitCode}) ${since(state.finishedAt, nowMs)} ago`;
    const up = `Up ${since(state.startedAt, nowMs)}`;
    if (state.health === undefined) return up;
    return `${up} (${state.health.status === "starting" ? "health: starting" : state.health.status})`;
  }
  if (state.status === "removing") return "Removal In Progress";
  if (state.dead) return "Dead";
  if (state.startedAt === undefined) return "Created";
  if (state.finishedAt === undefined) return "";
  return `Exited (${state.exitCode}) ${since(state.finishedAt, nowMs)} ago`;
}

/** `Command` of the list: arguments with spaces in single quotes. */
export function commandLine(path: string, args: readonly string[]): string {
  if (args.length === 0) return path;
  return `${path} ${args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg)).join(" ")}`;
}
