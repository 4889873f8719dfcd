import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineError } from "#base";
import { execArguments, runArguments, runtimeError } from "#runtime";
import type { ExecRequest, RunRequest } from "../protocol/client.ts";

const LOG_BYTES_MAX = 8 * 1024;

/** Files a call of the runtime leaves in a process's folder. */
export function invocationFiles(directory: string): { readonly log: string; readonly pidFile: string } {
  return { log: join(directory, "runtime.log"), pidFile: join(directory, "pid") };
}

/** The runtime's command line for a start. */
export function startArguments(
  request: RunRequest | ExecRequest,
  directory: string,
  consoleSocket: string | undefined,
): string[] {
  const { log: logFile, pidFile } = invocationFiles(directory);
  const { id, runtime } = request;
  if ("containerId" in request) {
    const { containerId, processFile } = request;
    return execArguments(runtime, { containerId, processFile, pidFile, logFile, consoleSocket });
  }
  return runArguments(runtime, { id, bundle: request.bundle, pidFile, logFile, consoleSocket });
}

/** The program that was to be started, as its document names it; for messages. */
function commandOf(request: RunRequest | ExecRequest): string {
  try {
    const path = "containerId" in request ? request.processFile : join(request.bundle, "config.json");
    const document = JSON.parse(readFileSync(path, "utf8")) as { args?: string[]; process?: { args?: string[] } };
    return (document.process ?? document).args?.[0] ?? "";
  } catch {
    // A document the runtime could not read either: its own words say so.
    return "";
  }
}

/** Why the runtime failed, from its log, as clients know it. Bounded, whatever it wrote. */
export function startError(request: RunRequest | ExecRequest, directory: string): EngineError {
  let log = "";
  try {
    log = readFileSync(invocationFiles(directory).log, "utf8").slice(-LOG_BYTES_MAX);
  } catch {
    // It ended before it opened its log.
  }
  return runtimeError(log, commandOf(request), "containerId" in request ? "exec" : "create");
}

/** The pid the runtime wrote; undefined when there is none. */
export function readPidFile(directory: string): number | undefined {
  try {
    const pid = Number(readFileSync(invocationFiles(directory).pidFile, "utf8").trim());
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    // Not written: the runtime failed or is not so far.
    return undefined;
  }
}
