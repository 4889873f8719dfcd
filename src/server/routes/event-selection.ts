import type { EngineEvent } from "#engine";
import type { Filters } from "../http/filters.ts";

/** Filters by what an event is about; nothing here is about the last five. */
const namedKeys = [
  "container",
  "network",
  "volume",
  "daemon",
  "plugin",
  "service",
  "node",
  "secret",
  "config",
] as const;

/** Which events a client wants (moby: daemon/events/filter.go). Unknown keys are ignored there, and so here. */
export function eventSelector(given: Filters): (event: EngineEvent) => boolean {
  const named = (key: (typeof namedKeys)[number], event: EngineEvent) =>
    !given.has(key) ||
    ((event.type as string) === key &&
      given.values(key).some((value) => {
        const { name = "" } = event.actor.attributes;
        return event.actor.id.startsWith(value) || name.startsWith(value.replace(/^\//, ""));
      }));
  return (event) =>
    given.any("type", (value) => value === event.type) &&
    given.any("event", (value) => matchesAction(event.action, value)) &&
    given.any("scope", (value) => value === "local") &&
    given.labels(event.actor.attributes) &&
    namedKeys.every((key) => named(key, event)) &&
    given.any("image", (value) => isAboutImage(event, value));
}

/** `health_status` stands for `health_status: healthy`, `exec_start` for `exec_start: sh -c …`. */
function matchesAction(action: string, wanted: string): boolean {
  return action === wanted || action.startsWith(`${wanted}:`);
}

/** The image itself, or a container made from it; with or without its tag. */
function isAboutImage({ type, actor }: EngineEvent, wanted: string): boolean {
  const name =
    type === "image" ? actor.attributes["name"] : type === "container" ? actor.attributes["image"] : undefined;
  const candidates = type === "image" ? [actor.id, name] : [name];
  return candidates.some(
    (candidate) => candidate !== undefined && (candidate === wanted || withoutTag(candidate) === wanted),
  );
}

function withoutTag(reference: string): string {
  return reference.replace(/:[^:/]*$/, "");
}
