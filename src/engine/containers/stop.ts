import { isErrorKind } from "#base";
import { errors } from "../errors.ts";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { type Container, hasProcess } from "./container.ts";
import { endsWithin, killPatienceMs, nextExit } from "./waiting.ts";
import { sendSignal, stopSignalOf } from "./kill.ts";
import { type ContainerParts, emitContainerEvent } from "./parts.ts";
import { cancelRestart } from "./back-off.ts";
import { parseSignal, SIGKILL } from "./signals.ts";
import { startContainer } from "./start.ts";

export type StopOptions = {
  /** @default the container's StopSignal, or SIGTERM */
  readonly signal?: string | undefined;
  /** Grace before SIGKILL; -1 = for ever. @default the container's StopTimeout, or 10 */
  readonly timeoutSeconds?: number | undefined;
};

/** `stop`: signal, grace, SIGKILL; resolves once the container is down. not-modified when it is. */
export async function stopContainer(parts: ContainerParts, container: Container, options: StopOptions): Promise<void> {
  const signal =
    options.signal === undefined || options.signal === "" ? stopSignalOf(container) : parseSignal(options.signal);
  // In line behind a start or an end that is under way: what comes out of it is what is to be stopped.
  const running = await parts.locks.run(container.id, () => beginStop(parts, container));
  if (running === undefined) return;
  const { gone } = running;
  const seconds = options.timeoutSeconds ?? container.document.config.StopTimeout ?? 10;
  await sendSignal(parts, container, signal);
  if (seconds < 0) await gone;
  else if (!(await endsWithin(gone, seconds * 1000))) {
    await sendSignal(parts, container, SIGKILL);
    if (!(await endsWithin(gone, killPatienceMs))) throw errors.stopTimedOut(container.name);
  }
  emitContainerEvent(parts, container, "stop");
}

/** From here on the policy does not bring it back. The end that is to come; undefined when a back-off was ended. */
function beginStop(parts: ContainerParts, container: Container): { readonly gone: Promise<unknown> } | undefined {
  const { life } = container;
  if (life.status === "restarting") {
    life.manuallyStopped = true;
    cancelRestart(parts, container);
    emitContainerEvent(parts, container, "stop");
    return undefined;
  }
  if (!hasProcess(container)) throw errors.alreadyStopped(container.name);
  life.manuallyStopped = true;
  parts.registry.saveLife(container);
  return { gone: nextExit(container) };
}

/** `restart`: stop if it runs, then start; auto-remove and the policy are held off in between. */
export async function restartContainer(
  parts: ContainerParts,
  runner: ExecRunner,
  container: Container,
  options: StopOptions,
): Promise<void> {
  container.life.manuallyRestarting = true;
  try {
    await stopContainer(parts, container, options).catch((error: unknown) => {
      if (!isErrorKind(error, "not-modified")) throw error;
    });
    await parts.locks.run(container.id, () => startContainer(parts, runner, container));
  } finally {
    container.life.manuallyRestarting = false;
  }
  emitContainerEvent(parts, container, "restart");
}
