import { existsSync } from "node:fs";
import { join } from "node:path";
import { errorMessage, type Logger } from "#base";
import type { StopOrder } from "#engine";
import { connectSupervisor, type SupervisorClient } from "#supervisor";

const SIGKILL = 9;
/** systemd gives a unit 90 s by default; what is left then is killed by it. */
const longestGraceMs = 80_000;

/** True while systemd takes the machine down, not when this service alone is stopped. */
export function isMachineStopping(): boolean {
  if (!existsSync("/run/systemd/system")) return false;
  const { stdout } = Bun.spawnSync(["systemctl", "is-system-running"], { stdin: "ignore" });
  return stdout.toString().trim() === "stopping";
}

/**
 * Ends containers as `stop` does, when the daemon has let go of them: a machine that goes down must neither cut them
 * off nor wait 90 s for those that ignore SIGTERM. On record they run on, as after a power cut, so that the next boot
 * starts again those whose restart policy says so.
 */
export async function endContainers(execRoot: string, orders: readonly StopOrder[], logger: Logger): Promise<void> {
  if (orders.length === 0) return;
  logger.info("the machine stops: containers are stopped", { count: orders.length });
  const supervisor = await connectSupervisor({
    socketPath: join(execRoot, "supervisor.sock"),
    stateRoot: join(execRoot, "supervisor"),
    logger,
    // Without one there is no container to end.
    spawn: () => {},
  });
  try {
    await Promise.all(
      orders.map((order) =>
        end(supervisor, order).catch((error: unknown) => {
          logger.warn("container could not be stopped", { container: order.id, error: errorMessage(error) });
        }),
      ),
    );
  } finally {
    await supervisor.close();
  }
}

async function end(supervisor: SupervisorClient, { id, signal, graceMs }: StopOrder): Promise<void> {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const stopListening = supervisor.onExit((exit) => {
    if (exit.id === id) resolve();
  });
  const timer = setTimeout(
    () => {
      supervisor.signal(id, SIGKILL).catch(() => {
        // It has ended in this moment; the end is told below.
      });
    },
    Math.min(graceMs, longestGraceMs),
  );
  try {
    await supervisor.signal(id, signal);
    await ended;
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}
