import { type LogReadOptions, type LogRecord, readLog } from "#logs";
import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import { logConfigurationOf, logPathOf } from "./container-log.ts";
import type { ContainerParts } from "./parts.ts";
import { waitIn } from "./waiting.ts";

/** The file that `logs` shows; undefined when the driver keeps none or its cache is switched off. */
export function readableLogOf(parts: Pick<ContainerParts, "paths">, container: Container): string | undefined {
  const configuration = logConfigurationOf(container.id, container.name, container.document);
  return configuration.readable ? logPathOf(parts, container, configuration) : undefined;
}

/** Reads a container's log; `follow` ends with the container's process. */
export function readContainerLogs(
  parts: ContainerParts,
  container: Container,
  options: LogReadOptions,
): { readonly terminal: boolean; readonly records: AsyncIterable<LogRecord> } {
  if (container.removing || container.life.status === "dead") throw errors.logsRemoving();
  const path = readableLogOf(parts, container);
  if (path === undefined) throw errors.logsUnreadable();
  const live = hasProcess(container) || container.life.status === "restarting";
  const follow = options.follow && live;
  const ended = follow ? endOf(container, options.signal) : undefined;
  return {
    terminal: container.document.config.Tty === true,
    records: readLog(path, { ...options, follow, ended }),
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
