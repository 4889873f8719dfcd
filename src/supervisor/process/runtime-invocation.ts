import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecRequest, RunRequest } from "../protocol/client.ts";

const LOG_BYTES_MAX = 8 * 1024;

/** Files a call of the runtime leaves in a process's folder. */
export function invocationFiles(directory: string): { readonly log: string; readonly pidFile: string } {
  return { log: join(directory, "runtime.log"), pidFile: join(directory, "pid") };
}

/**
 * The runtime's command line for a start. Its errors go to a log of their own: descriptors 0-2 are what the container
 * inherits. `run` in place of `create` and `start` saves a process (crun(1), runc(8)).
 */
export function startArguments(
  request: RunRequest | ExecRequest,
  directory: string,
  consoleSocket: string | undefined,
): string[] {
  const { log, pidFile } = invocationFiles(directory);
  const { runtime } = request;
  const console = consoleSocket === undefined ? [] : ["--console-socket", consoleSocket];
  const head = [runtime.path, "--root", runtime.root, "--log", log, "--log-format", "json"];
  if ("containerId" in request) {
    const process = ["--process", request.processFile];
    return [...head, "exec", "--detach", "--pid-file", pidFile, ...console, ...process, request.containerId];
  }
  return [...head, "run", "--detach", "--bundle", request.bundle, "--pid-file", pidFile, ...console, request.id];
}

/** The command line that removes what a runtime holds of a container. */
export function deleteArguments(request: RunRequest): string[] {
  return [request.runtime.path, "--root", request.runtime.root, "delete", "--force", request.id];
}

/** What the runtime said last in its log, or undefined: the reason a start failed. Bounded, whatever it wrote. */
export function runtimeComplaint(directory: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(invocationFiles(directory).log, "utf8").slice(-LOG_BYTES_MAX);
  } catch {
    // It ended before it opened its log.
    return undefined;
  }
  const messages = text.split("\n").flatMap((line) => {
    try {
      const value = JSON.parse(line) as { level?: string; msg?: string };
      return value.level === "error" && typeof value.msg === "string" ? [value.msg] : [];
    } catch {
      // Not a record: plain text or a line cut by the bound.
      return [];
    }
  });
  return messages.at(-1) ?? (text.trim() === "" ? undefined : text.trim());
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

/** The program that was to be started, for the error that it could not be; read only then. */
export function commandOf(request: RunRequest | ExecRequest): string {
  type Document = { readonly process?: { readonly args?: readonly string[] }; readonly args?: readonly string[] };
  const path = "containerId" in request ? request.processFile : join(request.bundle, "config.json");
  try {
    const document = JSON.parse(readFileSync(path, "utf8")) as Document;
    return (document.process?.args ?? document.args)?.[0] ?? "";
  } catch {
    // The runtime could not read it either, and says so.
    return "";
  }
}
