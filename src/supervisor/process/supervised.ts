import { rmSync } from "node:fs";
import { errorMessage, type Logger, nowNanoseconds } from "#base";
import { openStagedLog, type StagedLog } from "#logs";
import {
  duplicateDescriptor,
  EPOLL,
  openPidfd,
  type Poller,
  readProcessStat,
  sendSignalByPidfd,
  setWindowSize,
  SYS,
  trySyscall,
} from "#linux";
import { errors } from "../errors.ts";
import type { ExecRequest, ProcessExit, ProcessStatus, RunRequest } from "../protocol/client.ts";
import type { Attachers } from "./attachers.ts";
import { findExit } from "./exit-status.ts";
import { type Input, openInput } from "./input.ts";
import type { Keeper } from "./keeper.ts";
import { openOutput, type Output } from "./output.ts";
import { type ProcessState, processDirectory, writeProcessState } from "./state-file.ts";
import type { StreamEnds } from "./streams.ts";

/** An adopted process's parent gets this long to reap it before its exit code counts as lost. */
const REAP_PATIENCE_MS = 2000;
const REAP_LOOK_MS = 20;

/** A process that runs, or has ended and is not forgotten yet. */
export type Supervised = {
  readonly request: RunRequest | ExecRequest;
  readonly attachers: Attachers;
  readonly isRunning: boolean;
  readonly pid: number;
  status(): ProcessStatus;
  signal(signal: number): void;
  resize(size: { readonly height: number; readonly width: number }): void;
  closeStdin(): void;
  /** Nobody is behind any more. */
  resumeOutput(): void;
  /** Lets go of everything and removes what is on the run directory. */
  discard(): void;
};

/** What all processes of a supervisor have in common. */
export type SupervisedContext = {
  readonly stateRoot: string;
  readonly poller: Poller;
  readonly keeper: Keeper;
  readonly logger: Logger;
  /** Called once for each process, when its last output is in the log and on its way to attachers. */
  readonly onExit: (exit: ProcessExit) => void;
};

/** Opens a process's log as its request says; undefined when it has none. */
export function openProcessLog(request: RunRequest | ExecRequest, context: SupervisedContext): StagedLog | undefined {
  if ("containerId" in request || request.log.driver === "none") return undefined;
  const { driver: _, ...target } = request.log;
  return openStagedLog({
    ...target,
    directory: processDirectory(context.stateRoot, request),
    onError: (error) => context.logger.error("log cannot be written", { id: request.id, error }),
  });
}

/** Takes charge of a process: `state` says which, `ends` are our ends of its streams. */
export function supervise(
  initial: ProcessState,
  ends: StreamEnds,
  log: StagedLog | undefined,
  attachers: Attachers,
  context: SupervisedContext,
  keptPidfd?: number,
): Supervised {
  const { poller, keeper } = context;
  const { request } = initial;
  const { id, streams } = request;
  const containerId = "containerId" in request ? request.containerId : undefined;
  const directory = processDirectory(context.stateRoot, request);
  let state = initial;
  let pidfd: number | undefined;
  let terminal = ends.terminal;
  const outputs: Output[] = [];

  const save = (change: Partial<ProcessState>) => {
    state = { ...state, ...change };
    writeProcessState(directory, state);
  };

  const deliver = (stream: "stdout" | "stderr", bytes: Uint8Array): boolean => {
    const behind = attachers.deliver(stream, bytes);
    if (behind) for (const output of outputs) output.pause();
    return behind;
  };
  for (const stream of ["stdout", "stderr"] as const) {
    const fd = stream === "stdout" ? (ends.terminal ?? ends.stdout) : ends.stderr;
    if (fd === undefined) continue;
    outputs.push(
      openOutput({
        poller,
        stream,
        fd,
        terminal: streams.terminal,
        relay: stream === "stdout" ? ends.relay : undefined,
        log,
        deliver,
        hasListeners: () => !attachers.isEmpty,
      }),
    );
  }

  // A terminal is one descriptor for both directions; the poller wants one for each.
  const inputFd = ends.terminal === undefined ? ends.stdin : duplicateDescriptor(ends.terminal);
  let input: Input | undefined;
  if (inputFd !== undefined) {
    input = openInput(
      poller,
      inputFd,
      () => attachers.inputDrained(),
      () => {
        if (streams.terminal || state.phase === "ended") return;
        // The process reads an end of file only when the keeper's duplicate is gone too.
        save({ stdinClosed: true });
        keeper.drop(initial.keeperKey, "stdin");
      },
    );
  }
  const closesStdin = !streams.terminal && (containerId !== undefined || streams.stdinOnce);

  /** An end takes its course whatever one of its steps says: a process that has ended must never count as running. */
  const attempt = (step: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      context.logger.error(`end of a process: ${step}`, { id, error: errorMessage(error) });
    }
  };

  const finish = (exitCode: number, lost?: string) => {
    if (pidfd !== undefined) {
      poller.unwatch(pidfd);
      trySyscall(SYS.close, pidfd);
      pidfd = undefined;
    }
    for (const output of outputs) attempt("last output", () => output.drain());
    attempt("log", () => log?.finish());
    const exit: ProcessExit = {
      id,
      startedAt: state.startedAt,
      exitCode,
      exitedAt: String(nowNanoseconds()),
      ...(containerId === undefined ? {} : { containerId }),
      ...(lost === undefined ? {} : { lost }),
    };
    state = { ...state, phase: "ended", exit };
    attempt("state file", () => writeProcessState(directory, state));
    attempt("input", () => input?.close());
    terminal = undefined;
    for (const output of outputs) {
      // What an exec left running in its container may still write, and must not be stopped by a full pipe.
      attempt("output", () => (containerId === undefined ? output.close() : output.discard()));
    }
    attempt("kept descriptors", () => keeper.drop(initial.keeperKey));
    context.onExit(exit);
    attachers.end();
  };

  const look = (deadline?: number) => {
    if (pidfd === undefined) return;
    const finding = findExit(pidfd, state.pid, state.startTime);
    if (finding.state === "exited") finish(finding.exitCode);
    else if (finding.state === "unknown" || deadline !== undefined) {
      const until = deadline ?? performance.now() + REAP_PATIENCE_MS;
      poller.unwatch(pidfd);
      if (performance.now() < until) setTimeout(() => look(until), REAP_LOOK_MS);
      else finish(255, "it ended while it had another parent, which kept its exit code");
    }
  };

  const watchExit = () => {
    if (state.phase === "ended") return;
    pidfd = keptPidfd ?? openPidfd(state.pid);
    // The handle comes first: if the pid is still the same process after it, the handle is of that process.
    if (pidfd !== undefined && keptPidfd === undefined && readProcessStat(state.pid)?.startTime !== state.startTime) {
      trySyscall(SYS.close, pidfd);
      pidfd = undefined;
    }
    if (pidfd === undefined) {
      finish(255, "it ended while no supervisor was running");
      return;
    }
    if (keptPidfd === undefined) keeper.put(initial.keeperKey, "pidfd", pidfd);
    poller.watch(pidfd, EPOLL.IN, () => look());
  };

  attachers.bind({ terminal: streams.terminal, input, closesStdin });
  if (state.stdinClosed) input?.end();
  watchExit();

  const requireRunning = () => {
    if (state.phase === "ended") throw errors.processNotFound(id);
  };
  return {
    request,
    attachers,
    get isRunning() {
      return state.phase !== "ended";
    },
    get pid() {
      return state.pid;
    },
    status: () => ({
      id,
      pid: state.pid,
      startedAt: state.startedAt,
      ...(containerId === undefined ? {} : { containerId }),
      ...(state.exit === undefined ? {} : { exit: state.exit }),
    }),
    signal: (signal) => {
      requireRunning();
      if (pidfd === undefined || !sendSignalByPidfd(pidfd, signal)) throw errors.processNotFound(id);
    },
    resize: (size) => {
      requireRunning();
      if (terminal === undefined) throw errors.processNoTerminal(id);
      setWindowSize(terminal, size);
    },
    closeStdin: () => {
      requireRunning();
      if (!streams.terminal) input?.end();
    },
    resumeOutput: () => {
      for (const output of outputs) output.resume();
    },
    discard: () => {
      for (const output of outputs) output.close();
      input?.close();
      keeper.drop(initial.keeperKey);
      attachers.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
