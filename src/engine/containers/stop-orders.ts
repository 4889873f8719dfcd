import { hasProcess } from "./container.ts";
import { stopSignalOf } from "./kill.ts";
import type { ContainerRegistry } from "./registry.ts";

/** How a container wants to be ended. */
export type StopOrder = { readonly id: string; readonly signal: number; readonly graceMs: number };

/** An order for each container whose process lives. */
export function stopOrders(registry: ContainerRegistry): readonly StopOrder[] {
  return [...registry.all()]
    .filter((container) => hasProcess(container))
    .map((container) => {
      const seconds = container.document.config.StopTimeout ?? 10;
      // -1 is "for ever" (as in `stop`).
      return { id: container.id, signal: stopSignalOf(container), graceMs: seconds < 0 ? Infinity : seconds * 1000 };
    });
}
