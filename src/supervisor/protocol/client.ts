import type { Duplex } from "node:stream";

/** How the OCI runtime is called for one container; chosen by the daemon (see `src/runtime`). */
export type RuntimeCommand = {
  /** Name as in `--runtime`: "crun", "runc", … */
  readonly name: string;
  /** Absolute path of the executable. */
  readonly path: string;
  /** The runtime's state directory (`--root`), of this daemon alone. */
  readonly root: string;
};

/** Where a container's output goes besides the attached clients. */
export type LogTarget =
  | { readonly driver: "none" }
  | {
      readonly driver: "json-file";
      /** Absolute path of the current file; rotated ones are `path.1`, `path.2`, … */
      readonly path: string;
      /** Rotate when the file would exceed this; undefined = never. */
      readonly maxSizeBytes?: number | undefined;
      /** How many files in all, the current one included. */
      readonly maxFiles: number;
      /** Compress rotated files with gzip. */
      readonly compress?: boolean | undefined;
      /** Extra attributes (`--log-opt labels/env/tag`) written into each record's `attrs`. */
      readonly attributes?: Readonly<Record<string, string>> | undefined;
    };

/** The standard streams of a process. */
export type ProcessStreams = {
  /** A pseudo-terminal instead of pipes. */
  readonly terminal: boolean;
  /** Keep a stdin open for attachers; otherwise stdin is /dev/null. */
  readonly openStdin: boolean;
  /** Close the process's stdin when the first attacher's stdin ends (never with a terminal). */
  readonly stdinOnce: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  /** Whose the pipes are, as root of a container with remapped ids is another than the host's. @default root's */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
};

/** Start a container's init: `runtime run --detach` on a bundle that the daemon has written. */
export type RunRequest = {
  /** Container id; also the id given to the runtime. */
  readonly id: string;
  readonly bundle: string;
  readonly runtime: RuntimeCommand;
  readonly streams: ProcessStreams;
  readonly log: LogTarget;
};

/** Start a further process in a running container: `runtime exec --detach`. */
export type ExecRequest = {
  readonly id: string;
  readonly containerId: string;
  /** Path of an OCI `process` document the daemon has written. */
  readonly processFile: string;
  readonly runtime: RuntimeCommand;
  readonly streams: ProcessStreams;
};

/** A process that runs, as the supervisor acknowledges it. */
export type ProcessStarted = {
  readonly pid: number;
  /** Nanoseconds since the epoch, decimal. */ readonly startedAt: string;
};

/** How a process ended. */
export type ProcessExit = {
  /** Container or exec id. */
  readonly id: string;
  /** Set when `id` is an exec. */
  readonly containerId?: string | undefined;
  /** Which run of that id it was: as `ProcessStarted` told. */
  readonly startedAt?: string | undefined;
  /** 0-255; 128+n for signal n. */
  readonly exitCode: number;
  /** Nanoseconds since the epoch, decimal. */
  readonly exitedAt: string;
  /** Set when the true exit code could not be had (supervisor was killed): why. */
  readonly lost?: string | undefined;
};

/** One process the supervisor knows: running, or ended and not yet forgotten. */
export type ProcessStatus = {
  readonly id: string;
  readonly containerId?: string | undefined;
  readonly pid: number;
  readonly startedAt: string;
  readonly exit?: ProcessExit | undefined;
};

/** Which streams of a process to join. */
export type AttachRequest = {
  readonly id: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /**
   * `true`: the process may not have been started yet; the stream waits for `run`/`exec` of this id.
   * `false`: an unknown or ended id is an error.
   */
  readonly wait: boolean;
};

/**
 * The daemon's view of the supervisor. When the supervisor is gone the client reconnects (and restarts it) by itself,
 * finds out what became of calls under way, asks again what may be asked twice, and then reports `onReconnect`. A call
 * rejects with kind "unavailable" when that takes too long, and an `exec` when nobody knows whether it ran.
 */
export type SupervisorClient = {
  /** Starts a container's init. Rejects with the runtime's error (`runtime/errors.ts` kinds: 126/127 classes kept). */
  run(request: RunRequest): Promise<ProcessStarted>;
  exec(request: ExecRequest): Promise<ProcessStarted>;
  /** Sends a signal by pidfd, so that a reused pid is never hit; not-found when the process has ended. */
  signal(id: string, signal: number): Promise<void>;
  resize(id: string, size: { readonly height: number; readonly width: number }): Promise<void>;
  closeStdin(id: string): Promise<void>;
  /**
   * A stream to a process: write = its stdin (end() = half-close), read = its output; with a terminal raw bytes,
   * otherwise Docker's multiplexed frames (`wire/stdio`). Ends after the last byte of output; destroying it detaches.
   */
  attach(request: AttachRequest): Promise<Duplex>;
  /** Everything the supervisor holds; used when the daemon starts or reconnects. */
  list(): Promise<readonly ProcessStatus[]>;
  /** Drops an ended process (and with a container its runtime state, FIFOs and cgroup); acknowledges its exit. Idempotent. */
  forget(id: string): Promise<void>;
  /** Calls back for each exit, after its last output has reached log and attachers. Returns the unsubscriber. */
  onExit(listener: (exit: ProcessExit) => void): () => void;
  /** Calls back after the supervisor had died and a new one took over; `list()` tells the truth again. */
  onReconnect(listener: () => void): () => void;
  /** Closes the connection; the supervisor and its containers stay. */
  close(): Promise<void>;
};
