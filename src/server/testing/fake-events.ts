import { nowNanoseconds } from "#base";
import type { Engine, EngineEvent } from "#engine";

/** A bus that keeps everything. */
export function fakeEvents(): Engine["events"] {
  const listeners = new Set<(event: EngineEvent) => void>();
  const past: EngineEvent[] = [];
  return {
    emit(event) {
      const stamped = { ...event, time: nowNanoseconds() };
      past.push(stamped);
      for (const listener of listeners) listener(stamped);
    },
    past: () => past,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
