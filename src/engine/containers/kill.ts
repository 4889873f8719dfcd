import { isErrorKind } from "#base";
import { errors } from "../errors.ts";
import { type Container, hasProcess } from "./container.ts";
import { endsWithin, killPatienceMs, nextExit } from "./waiting.ts";
import { cgroupPath, type ContainerParts, emitContainerEvent } from "./parts.ts";
import { cancelRestart } from "./back-off.ts";
import { parseSignal, SIGKILL, SIGTERM } from "./signals.ts";

/** Sends a signal to a container's init and reports `kill`. A paused container is resumed once the signal is queued. */
export async function sendSignal(parts: ContainerParts, container: Container, signal: number): Promise<void> {
  try {
    await parts.supervisor.signal(container.id, signal);
  } catch (error) {
    // It ended in this very moment; its exit is on the way.
    if (!isErrorKind(error, "not-found")) throw error;
  }
  if (!hasProcess(container)) return;
  emitContainerEvent(parts, container, "kill", { signal: String(signal) });
  if (container.life.status === "paused") {
    await parts.openCgroup(cgroupPath(parts, container)).thaw();
    container.life.status = "running";
    parts.registry.saveLife(container);
    emitContainerEvent(parts, container, "unpause");
  }
}

/** The signal `stop` begins with: the container's own, or SIGTERM. */
export function stopSignalOf(container: Container): number {
  const configured = container.document.config.StopSignal ?? "";
  return configured === "" ? SIGTERM : parseSignal(configured);
}

/** `kill`: SIGKILL waits for the exit; any other signal returns at once. */
export async function killContainer(
  parts: ContainerParts,
  reference: string,
  container: Container,
  signalText: string | undefined,
): Promise<void> {
  const signal = signalText === undefined || signalText === "" ? SIGKILL : parseSignal(signalText);
  const running = await parts.locks.run(container.id, () => beginKill(parts, reference, container, signal));
  if (running === undefined) return;
  await sendSignal(parts, container, signal);
  if (signal === SIGKILL && !(await endsWithin(running.gone, killPatienceMs)))
    throw errors.stopTimedOut(container.name);
}

function beginKill(
  parts: ContainerParts,
  reference: string,
  container: Container,
  signal: number,
): { readonly gone: Promise<unknown> } | undefined {
  if (container.life.status === "restarting") {
    container.life.manuallyStopped = true;
    cancelRestart(parts, container);
    return undefined;
  }
  if (!hasProcess(container)) throw errors.killNotRunning(reference, container.id);
  // With a stop signal set, only that one (and SIGKILL) means "stay down" (moby, killWithSignal).
  const configured = container.document.config.StopSignal ?? "";
  if (configured === "" || signal === stopSignalOf(container) || signal === SIGKILL) {
    container.life.manuallyStopped = true;
    parts.registry.saveLife(container);
  }
  return { gone: signal === SIGKILL ? nextExit(container) : Promise.resolve() };
}
