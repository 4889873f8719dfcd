import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Logger, nowNanoseconds } from "#base";
import { readProcessStat } from "#linux";
import { deleteArguments } from "#runtime";
import { errors } from "../errors.ts";
import type {
  AttachRequest,
  ExecRequest,
  ProcessExit,
  ProcessStarted,
  ProcessStatus,
  RunRequest,
} from "../protocol/client.ts";
import { type Attachers, createAttachers } from "./attachers.ts";
import type { Children } from "./children.ts";
import { invocationFiles, readPidFile } from "./runtime-invocation.ts";
import { startProcess } from "./start.ts";
import { type ProcessState, processDirectory, readAllStates, writeProcessState } from "./state-file.ts";
import { reclaimStreams } from "./streams.ts";
import { openProcessLog, type Supervised, type SupervisedContext, supervise } from "./supervised.ts";

/** How long a start that an earlier supervisor left in the middle may take to show its pid. */
const STARTER_PATIENCE_MS = 3000;
const STARTER_LOOK_MS = 10;
/** Runtimes whose state of a dead container is one folder under their root. */
const FOLDER_RUNTIMES = new Set(["crun", "runc"]);

/** A runtime that was spawned, but not noted down before the kill, by the file it was told to write. */
function findStarter(pidFile: string): ProcessState["starter"] {
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isSafeInteger(pid)) continue;
    try {
      if (!readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0").includes(pidFile)) continue;
    } catch {
      // Ended while we looked.
      continue;
    }
    const startTime = readProcessStat(pid)?.startTime;
    if (startTime !== undefined) return { pid, startTime };
  }
  return undefined;
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended in this moment.
  }
}

/** All processes of this supervisor. */
export type Processes = {
  start(request: RunRequest | ExecRequest): Promise<ProcessStarted>;
  /** The running process of that id; throws not-found. */
  running(id: string): Supervised;
  /** Where an attach of this request goes; throws not-found. */
  attachersFor(request: AttachRequest): Attachers;
  list(): readonly ProcessStatus[];
  forget(id: string): Promise<void>;
  ownsPid(pid: number): boolean;
  readonly runningCount: number;
  runningPids(): readonly number[];
  /** Takes over what earlier supervisors of the state root left. */
  recover(): Promise<void>;
};

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/** Makes the set. */
export function createProcesses(
  shared: Omit<SupervisedContext, "onExit">,
  children: Children,
  onExit: (exit: ProcessExit) => void,
  logger: Logger,
): Processes {
  const { keeper, poller, stateRoot } = shared;
  const processes = new Map<string, Supervised>();
  const starting = new Set<string>();
  /** Attachers of processes that are yet to be started. */
  const waiting = new Map<string, Attachers>();

  const context: SupervisedContext = {
    ...shared,
    onExit: (exit) => {
      onExit(exit);
      children.sweep();
    },
  };

  const newAttachers = (id: string): Attachers =>
    createAttachers(poller, () => {
      processes.get(id)?.resumeOutput();
    });

  const dropRuntimeState = async (request: RunRequest): Promise<void> => {
    if (FOLDER_RUNTIMES.has(request.runtime.name)) {
      // What their `delete` does for a dead init, less the cgroup, which the daemon removes; 3-10 ms saved.
      rmSync(join(request.runtime.root, request.id), { recursive: true, force: true });
      return;
    }
    await children.run(deleteArguments(request.runtime, request.id), "/", [0, 1, 2], () => {});
  };

  const forget = async (id: string): Promise<void> => {
    const known = processes.get(id);
    if (known === undefined) return;
    if (known.isRunning) throw errors.processRunning(id);
    processes.delete(id);
    const { request } = known;
    if (!("containerId" in request)) {
      for (const [execId, exec] of processes) {
        if (!("containerId" in exec.request) || exec.request.containerId !== id) continue;
        processes.delete(execId);
        exec.discard();
      }
      known.discard();
      await dropRuntimeState(request);
    } else known.discard();
  };

  const adopt = (state: ProcessState): void => {
    const { request, keeperKey } = state;
    const { id } = request;
    const attachers = newAttachers(id);
    const ended = state.phase === "ended";
    const directory = processDirectory(stateRoot, request);
    const ends = ended ? {} : reclaimStreams(keeperKey, request.streams, directory, keeper);
    const log = ended ? undefined : openProcessLog(request, context);
    const pidfd = ended ? undefined : keeper.claim(keeperKey, "pidfd");
    processes.set(id, supervise(state, ends, log, attachers, context, pidfd));
    logger.info("took over a process", { id, pid: state.pid, phase: state.phase });
  };

  /** Waits for a start that was going on when the earlier supervisor died; undefined when it came to nothing. */
  const settle = async (state: ProcessState): Promise<ProcessState | undefined> => {
    const directory = processDirectory(stateRoot, state.request);
    const starter = state.starter ?? findStarter(invocationFiles(directory).pidFile);
    const isWorking = () => {
      const stat = starter === undefined ? undefined : readProcessStat(starter.pid);
      // A zombie has done what it could; its new parent may never reap it.
      return stat !== undefined && stat.startTime === starter?.startTime && stat.state !== "Z";
    };
    const deadline = performance.now() + STARTER_PATIENCE_MS;
    while (isWorking() && performance.now() < deadline) await Bun.sleep(STARTER_LOOK_MS);
    // One that hangs must not start a container when nobody expects it any more.
    if (starter !== undefined && isWorking()) killProcess(starter.pid);
    const pid = readPidFile(directory);
    // A runtime that was killed, or one that failed: nothing was acknowledged, so nothing is owed.
    if (pid === undefined) return undefined;
    const running: ProcessState = {
      ...state,
      phase: "running",
      pid,
      // None: it was started and has ended, and its exit code went with whoever reaped it.
      startTime: readProcessStat(pid)?.startTime ?? "",
      startedAt: String(nowNanoseconds()),
      starter: undefined,
    };
    writeProcessState(directory, running);
    return running;
  };

  return {
    start: async (request) => {
      const { id } = request;
      const names = "containerId" in request ? [id, request.containerId] : [id];
      for (const name of names) if (!ID.test(name)) throw errors.processIdInvalid(name);
      if (starting.has(id) || processes.get(id)?.isRunning === true) throw errors.processRunning(id);
      if ("containerId" in request && processes.get(request.containerId)?.isRunning !== true) {
        throw errors.processNotFound(request.containerId);
      }
      starting.add(id);
      const attachers = waiting.get(id) ?? newAttachers(id);
      waiting.delete(id);
      try {
        await forget(id);
        const started = await startProcess(request, attachers, children, context);
        processes.set(id, started);
        const { pid, startedAt } = started.status();
        return { pid, startedAt };
      } catch (error) {
        attachers.end();
        if (!("containerId" in request)) await dropRuntimeState(request).catch(() => {});
        throw error;
      } finally {
        starting.delete(id);
      }
    },
    running: (id) => {
      const found = processes.get(id);
      if (found === undefined || !found.isRunning) throw errors.processNotFound(id);
      return found;
    },
    attachersFor: (request) => {
      const found = processes.get(request.id);
      if (found?.isRunning === true) return found.attachers;
      if (!request.wait) throw errors.processNotFound(request.id);
      // Clients that gave up waiting leave nothing behind.
      for (const [id, one] of waiting) if (one.isEmpty) waiting.delete(id);
      const attachers = waiting.get(request.id) ?? newAttachers(request.id);
      waiting.set(request.id, attachers);
      return attachers;
    },
    list: () => [...processes.values()].map((one) => one.status()),
    forget,
    ownsPid: (pid) => keeper.owns(pid) || [...processes.values()].some((one) => one.isRunning && one.pid === pid),
    get runningCount() {
      return starting.size + [...processes.values()].filter((one) => one.isRunning).length;
    },
    runningPids: () => [...processes.values()].filter((one) => one.isRunning).map((one) => one.pid),
    recover: async () => {
      const states = await Promise.all(
        readAllStates(stateRoot).map(async (state) => ({
          state,
          settled: state.phase === "starting" ? await settle(state) : state,
        })),
      );
      for (const { state, settled } of states) {
        if (settled !== undefined) adopt(settled);
        else {
          rmSync(processDirectory(stateRoot, state.request), { recursive: true, force: true });
          if (!("containerId" in state.request)) await dropRuntimeState(state.request);
        }
      }
      keeper.dropUnclaimed();
    },
  };
}
