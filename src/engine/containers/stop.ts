import { errors } from "../errors.ts";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { type Container, hasProcess } from "./container.ts";
import { nextExit } from "./waiting.ts";
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

/** How long SIGKILL may take before stop gives up (a process in uninterruptible sleep). */
const killPatienceMs = 10_000;

async function endsWithin(gone: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const result = await Promise.race([gone.then(() => true), late]);
  clearTimeout(timer);
  return result;
}

/** `stop`: signal, grace, SIGKILL; resolves once the container is down. not-modified when it is. */
export async function stopContainer(parts: ContainerParts, container: Container, options: StopOptions): Promise<void> {
  const { life, document } = container;
  const signal =
    options.signal === undefined || options.signal === "" ? stopSignalOf(container) : parseSignal(options.signal);
  if (life.status === "restarting") {
    life.manuallyStopped = true;
    cancelRestart(parts, container);
    emitContainerEvent(parts, container, "stop");
    return;
  }
  if (!hasProcess(container)) throw errors.alreadyStopped(container.name);
  life.manuallyStopped = true;
  parts.registry.saveLife(container);
  const seconds = options.timeoutSeconds ?? document.config.StopTimeout ?? 10;
  const gone = nextExit(container);
  await sendSignal(parts, container, signal);
  if (seconds < 0) await gone;
  else if (!(await endsWithin(gone, seconds * 1000))) {
    await sendSignal(parts, container, SIGKILL);
    if (!(await endsWithin(gone, killPatienceMs))) throw errors.stopTimedOut(container.name);
  }
  emitContainerEvent(parts, container, "stop");
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
    if (container.life.status === "restarting" || hasProcess(container)) await stopContainer(parts, container, options);
    await parts.locks.run(container.id, () => startContainer(parts, runner, container));
  } finally {
    container.life.manuallyRestarting = false;
  }
  emitContainerEvent(parts, container, "restart");
}
