import type { Duplex } from "node:stream";
import type { LogRecord } from "#logs";

/** Which streams to join, and what ends it. */
export type AttachOptions = {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Live stream. */
  readonly stream: boolean;
  /** Replay the log first. */
  readonly logs: boolean;
};

/** An attached stream: read = output (raw with a terminal, else multiplexed), write/end = stdin. */
export type Attachment = {
  readonly stream: Duplex;
  readonly terminal: boolean;
  /** With `logs`: what the log holds so far, to be sent before the live stream. */
  readonly replay?: AsyncIterable<LogRecord> | undefined;
  /** Resolves once the process's end is on record (or the stream was detached): close the client only after it. */
  readonly settled: Promise<void>;
};
