import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { nowNanoseconds } from "#base";
import { readProcessStat } from "#linux";
import { errors } from "../errors.ts";
import type { ExecRequest, RunRequest } from "../protocol/client.ts";
import type { Attachers } from "./attachers.ts";
import { invocationFiles, readPidFile, startArguments, startError } from "./runtime-invocation.ts";
import { type ProcessState, processDirectory, writeProcessState } from "./state-file.ts";
import { prepareStreams } from "./streams.ts";
import { openProcessLog, type Supervised, type SupervisedContext, supervise } from "./supervised.ts";

/** Children that are ours to reap by other means than the sweep for orphans. */
export type Starters = {
  /** Runs a program to its end with these descriptors as 0-2; its exit code. `spawned` gets the pid at once. */
  run(
    command: readonly string[],
    cwd: string,
    stdio: readonly [number, number, number],
    spawned: (pid: number) => void,
  ): Promise<number>;
};

const NEGATIVE_SCORE = /^-/;

/** A supervisor that is protected from the OOM killer must not hand that protection to containers. */
function resetOomScore(pid: number): void {
  try {
    if (!NEGATIVE_SCORE.test(readFileSync("/proc/self/oom_score_adj", "utf8"))) return;
    const path = `/proc/${pid}/oom_score_adj`;
    const own = readFileSync("/proc/self/oom_score_adj", "utf8");
    if (readFileSync(path, "utf8") === own) writeFileSync(path, "0");
  } catch {
    // It has ended already.
  }
}

/** Starts a container's init or an exec and takes charge of it. Leaves nothing behind when it fails. */
export async function startProcess(
  request: RunRequest | ExecRequest,
  attachers: Attachers,
  starters: Starters,
  context: SupervisedContext,
): Promise<Supervised> {
  const { stateRoot, keeper, poller } = context;
  const { id } = request;
  const directory = processDirectory(stateRoot, request);
  const keeperKey = randomBytes(8).toString("hex");
  const isExec = "containerId" in request;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let state: ProcessState = {
    kind: isExec ? "exec" : "container",
    request,
    phase: "starting",
    pid: 0,
    startTime: "",
    startedAt: "0",
    stdinClosed: false,
    keeperKey,
  };
  const save = (change: Partial<ProcessState>) => {
    state = { ...state, ...change };
    writeProcessState(directory, state);
  };
  const cleanUp = () => {
    rmSync(directory, { recursive: true, force: true });
  };

  // Made first and on disk first: a supervisor that comes after knows where to look.
  save({});
  let prepared: ReturnType<typeof prepareStreams>;
  try {
    prepared = prepareStreams({ keeperKey, streams: request.streams, directory, stateRoot, keeper, poller });
  } catch (error) {
    cleanUp();
    throw error;
  }
  try {
    const { log, pidFile } = invocationFiles(directory);
    for (const file of [log, pidFile]) rmSync(file, { force: true });
    const command = startArguments(request, directory, prepared.consoleSocket?.path);
    const cwd = isExec ? directory : request.bundle;
    const exitCode = await starters.run(command, cwd, prepared.inherited, (pid) => {
      save({ starter: { pid, startTime: readProcessStat(pid)?.startTime ?? "" } });
    });
    if (exitCode !== 0) throw startError(request, directory);
    const pid = readPidFile(directory);
    const startTime = pid === undefined ? undefined : readProcessStat(pid)?.startTime;
    if (pid === undefined || startTime === undefined) {
      throw errors.supervisorStartFailed(id, `${request.runtime.name} did not say which process it started`);
    }
    resetOomScore(pid);
    const ends = prepared.started();
    save({ phase: "running", pid, startTime, startedAt: String(nowNanoseconds()), starter: undefined });
    return supervise(state, ends, openProcessLog(request, context), attachers, context);
  } catch (error) {
    prepared.abandon();
    cleanUp();
    throw error;
  }
}
