import { errorMessage } from "#base";
import type { ExecRunner } from "../execs/run-in-container.ts";
import type { Container } from "./container.ts";
import type { ContainerParts } from "./parts.ts";
import { launch } from "./start.ts";

const firstDelayMs = 100;
const longestDelayMs = 60_000;
/** A run this long counts as a success: the next failure starts again at the first delay. */
const goodRunMs = 10_000;

/** Starts a container again after the back-off: 100 ms, doubling, at most a minute. */
export function scheduleRestart(parts: ContainerParts, runner: ExecRunner, container: Container, ranMs: number): void {
  container.restartDelayMs =
    container.restartDelayMs === 0 || ranMs >= goodRunMs
      ? firstDelayMs
      : Math.min(container.restartDelayMs * 2, longestDelayMs);
  container.restartTimer = setTimeout(() => {
    container.restartTimer = undefined;
    void parts.locks.run(container.id, async () => {
      if (container.life.status !== "restarting" || container.removing) return;
      try {
        await launch(parts, runner, container, "policy");
        container.life.restartCount++;
        parts.registry.saveLife(container);
      } catch (error) {
        // The reason is in State.Error; a start that cannot work (port taken, file gone) is not retried for ever.
        parts.logger.warn("restart policy could not start the container", {
          container: container.id,
          error: errorMessage(error),
        });
      }
    });
  }, container.restartDelayMs);
}
