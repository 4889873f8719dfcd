import { nowNanoseconds } from "#base";
import type { EngineEvent, EventService } from "../contract/index.ts";

/** How many past events `since`/`until` can see (Docker's ring has 256). */
const ringSize = 256;

/** Makes the bus all services report to. A listener that throws is dropped; the others still hear the event. */
export function createEventService(): EventService {
  const ring: EngineEvent[] = [];
  const listeners = new Set<(event: EngineEvent) => void>();
  return {
    emit: (occurrence) => {
      const event: EngineEvent = { ...occurrence, time: nowNanoseconds() };
      ring.push(event);
      if (ring.length > ringSize) ring.shift();
      for (const listener of listeners) {
        try {
          listener(event);
        } catch {
          // One broken client must not keep the event from the rest.
          listeners.delete(listener);
        }
      }
    },
    past: () => [...ring],
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
