import { join } from "node:path";
import { type LogReadOptions, type LogRecord, readLog } from "#logs";
import type { LogTarget } from "#supervisor";
import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import { logTarget } from "./log-target.ts";
import type { ContainerParts } from "./parts.ts";
import { waitIn } from "./waiting.ts";

/** Where a container's output was and will be written. */
export function logTargetOf(parts: Pick<ContainerParts, "paths">, container: Container): LogTarget {
  return logTarget(
    { id: container.id, name: container.name, directory: join(parts.paths.containers, container.id) },
    container.document.config,
    container.document.hostConfig,
  );
}

/** Reads a container's log; `follow` ends with the container's process. */
export function readContainerLogs(
  parts: ContainerParts,
  container: Container,
  options: LogReadOptions,
): { readonly terminal: boolean; readonly records: AsyncIterable<LogRecord> } {
  if (container.removing || container.life.status === "dead") throw errors.logsRemoving();
  const target = logTargetOf(parts, container);
  if (target.driver !== "json-file") throw errors.logsUnreadable();
  const live = hasProcess(container) || container.life.status === "restarting";
  const follow = options.follow && live;
  const ended = follow ? endOf(container, options.signal) : undefined;
  return {
    terminal: container.document.config.Tty === true,
    records: readLog(target.path, { ...options, follow, ended }),
  };
}

/** Settles when the container has ended and no policy brings it back. */
async function endOf(container: Container, signal: AbortSignal | undefined): Promise<void> {
  try {
    do await waitIn(container.exitWaiters, signal);
    while (container.life.status === "restarting");
  } catch {
    // The reader went away; its own signal ends the read.
  }
}
