import type { Nanoseconds } from "#base";

/** One record of a container's log. */
export type LogRecord = {
  readonly time: Nanoseconds;
  readonly stream: "stdout" | "stderr";
  /** Text with its trailing newline, if it had one; at most 16 KiB, longer lines come in several records. */
  readonly line: Uint8Array;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
};

/** Which part of a log to read. */
export type LogReadOptions = {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly since?: Nanoseconds | undefined;
  readonly until?: Nanoseconds | undefined;
  /** Last n records; undefined = all. */
  readonly tail?: number | undefined;
  /** Go on as the log grows, through rotations, until `ended()` is true and everything was read. */
  readonly follow: boolean;
  /** For `follow`: resolves when the container has ended and its last record is written. */
  readonly ended?: Promise<void> | undefined;
  readonly signal?: AbortSignal | undefined;
};
