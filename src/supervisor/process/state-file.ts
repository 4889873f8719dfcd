import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecRequest, ProcessExit, RunRequest } from "../protocol/client.ts";

/** A process as it is on the run directory, for a supervisor that comes after. */
export type ProcessState = {
  readonly kind: "container" | "exec";
  readonly request: RunRequest | ExecRequest;
  /** "starting": the runtime may be at work; `pid` is not known yet. */
  readonly phase: "starting" | "running" | "ended";
  /** The runtime that starts it, once spawned. */
  readonly starter?: { readonly pid: number; readonly startTime: string } | undefined;
  readonly pid: number;
  /** Of the pid, from /proc: tells it from a later process of the same number. */
  readonly startTime: string;
  /** Nanoseconds since the epoch, decimal. */
  readonly startedAt: string;
  readonly stdinClosed: boolean;
  /** Names this start in the keeper: a container that is started again has another. */
  readonly keeperKey: string;
  readonly exit?: ProcessExit | undefined;
};

/** Folders of processes: `containers/<id>` and within it `exec-<id>`. */
export function containerDirectory(stateRoot: string, id: string): string {
  return join(stateRoot, "containers", id);
}

/** The folder of a process that is described by its request. */
export function processDirectory(stateRoot: string, request: RunRequest | ExecRequest): string {
  return "containerId" in request
    ? join(containerDirectory(stateRoot, request.containerId), `exec-${request.id}`)
    : containerDirectory(stateRoot, request.id);
}

/** Writes the state so that a reader finds the old one or the new one. No fsync: it means nothing after a reboot. */
export function writeProcessState(directory: string, state: ProcessState): void {
  const path = join(directory, "state.json");
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readState(directory: string): ProcessState | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, "state.json"), "utf8")) as ProcessState;
  } catch {
    // Killed before the first state was written, so nothing was started; the folder is removed.
    return undefined;
  }
}

function foldersOf(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    // The first supervisor of this root.
    return [];
  }
}

/** Every process on record, containers before their execs. Folders without one are removed. */
export function readAllStates(stateRoot: string): ProcessState[] {
  const states: ProcessState[] = [];
  for (const id of foldersOf(join(stateRoot, "containers"))) {
    const directory = containerDirectory(stateRoot, id);
    const state = readState(directory);
    if (state === undefined) {
      rmSync(directory, { recursive: true, force: true });
      continue;
    }
    states.push(state);
    for (const name of foldersOf(directory).filter((folder) => folder.startsWith("exec-"))) {
      const exec = readState(join(directory, name));
      if (exec === undefined) rmSync(join(directory, name), { recursive: true, force: true });
      else states.push(exec);
    }
  }
  return states;
}
