import type { EngineEvent, EventService } from "../contract/index.ts";

/** Reports that a prune is over: one event for the kind of thing, with what it gave back, and no actor. */
export function emitPruneEvent(
  events: Pick<EventService, "emit">,
  type: EngineEvent["type"],
  reclaimedBytes: number,
): void {
  events.emit({ type, action: "prune", actor: { id: "", attributes: { reclaimed: String(reclaimedBytes) } } });
}
