import { EngineError, errorMessage } from "#base";

const codes = new WeakMap<Error, number>();

/** Marks an error with the status the process shall end with. */
export function withExitCode<Failure extends Error>(error: Failure, code: number): Failure {
  codes.set(error, code);
  return error;
}

/** The exit status for an error: what it was marked with, 125 for a flag that cannot be read, else 1. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return 1;
  const marked = codes.get(error);
  if (marked !== undefined) return marked;
  return error instanceof EngineError && error.code === "bad-flag" ? 125 : 1;
}

/**
 * The exit status of `run` and `start --attach` when the daemon refuses: 127 no such command, 126 not executable, else
 * 125. The kinds do not tell them apart, the daemon's words do (docker reads the same ones).
 */
export function startFailureCode(error: unknown): number {
  const message = errorMessage(error);
  if (
    message.includes("executable file not found") ||
    message.includes("no such file or directory") ||
    message.includes("system cannot find the file specified")
  )
    return 127;
  return message.includes("permission denied") || message.includes("is a directory") ? 126 : 125;
}
