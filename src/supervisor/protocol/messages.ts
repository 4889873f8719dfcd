import type { ErrorKind } from "#base";
import { EngineError, errorMessage } from "#base";
import type { AttachRequest, ExecRequest, ProcessExit, ProcessStarted, ProcessStatus, RunRequest } from "./client.ts";

/**
 * The control protocol: JSON, one message a line, over the supervisor's unix socket (mode 0600). The first line of a
 * connection says what it is: `hello` makes it a control connection, `attach` a stream, raw after the reply line.
 */
export const PROTOCOL_VERSION = 1;

/** Longest line either side takes. */
export const LINE_BYTES_MAX: number = 4 * 1024 * 1024;

/** The calls of a control connection: argument and result. */
export type Calls = {
  run: { argument: RunRequest; result: ProcessStarted };
  exec: { argument: ExecRequest; result: ProcessStarted };
  signal: { argument: { readonly id: string; readonly signal: number }; result: null };
  resize: { argument: { readonly id: string; readonly height: number; readonly width: number }; result: null };
  closeStdin: { argument: { readonly id: string }; result: null };
  list: { argument: null; result: readonly ProcessStatus[] };
  forget: { argument: { readonly id: string }; result: null };
};

/** An error on its way over the socket. */
export type WireError = {
  readonly kind: ErrorKind;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
};

/** First line of a connection. */
export type Greeting = { readonly hello: { readonly version: number } } | { readonly attach: AttachRequest };

/** Answer to the first line. */
export type GreetingReply =
  | { readonly ok: { readonly version: number; readonly pid: number } }
  | { readonly error: WireError };

/** A call on a control connection; `n` comes back with the answer. */
export type CallMessage = {
  readonly [Name in keyof Calls]: {
    readonly n: number;
    readonly call: Name;
    readonly argument: Calls[Name]["argument"];
  };
}[keyof Calls];

/** What the supervisor sends on a control connection after the greeting. */
export type SupervisorMessage =
  | { readonly n: number; readonly ok: unknown }
  | { readonly n: number; readonly error: WireError }
  | { readonly exit: ProcessExit };

/** Makes anything thrown fit for the socket. */
export function toWireError(error: unknown): WireError {
  if (error instanceof EngineError) {
    return { kind: error.kind, code: error.code, message: error.message, hint: error.hint };
  }
  return { kind: "internal", code: "supervisorInternal", message: errorMessage(error) };
}

/** The error as it was on the other side. */
export function fromWireError(error: WireError): EngineError {
  return new EngineError(error.kind, error.code, error.message, { hint: error.hint });
}
