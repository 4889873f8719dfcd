import type { Nanoseconds } from "#base";

/** One thing that happened (`docker events`). */
export type EngineEvent = {
  readonly type: "container" | "image" | "network" | "volume" | "builder" | "daemon";
  /** "start", "exec_create: sh -c ls", "health_status: healthy", … */
  readonly action: string;
  readonly actor: { readonly id: string; readonly attributes: Readonly<Record<string, string>> };
  readonly time: Nanoseconds;
};

/** The bus of events and its ring of the last 256. */
export type EventService = {
  emit(event: Omit<EngineEvent, "time">): void;
  /** The ring of the last 256, oldest first. */
  past(): readonly EngineEvent[];
  /** Calls back in order, synchronously with `emit`. Returns the unsubscriber. */
  subscribe(listener: (event: EngineEvent) => void): () => void;
};
