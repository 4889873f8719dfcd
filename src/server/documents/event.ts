import type { EngineEvent } from "#engine";

/**
 * One line of `/events`. `timeNano` does not fit a JavaScript number, so the number is put in as text. The fields
 * before `Type` are those that clients before API 1.52 read.
 */
export function eventLine(event: EngineEvent): string {
  const { attributes } = event.actor;
  // Only containers and images had them (moby: backFillLegacy).
  const legacy: { status?: string; id?: string; from?: string } = {};
  if (event.type === "container" || event.type === "image") {
    legacy.status = event.action;
    legacy.id = event.actor.id;
    if (event.type === "container" && attributes["image"] !== undefined) legacy.from = attributes["image"];
  }
  const text = JSON.stringify({
    ...legacy,
    Type: event.type,
    Action: event.action,
    Actor: { ID: event.actor.id, Attributes: attributes },
    scope: "local",
    time: Number(event.time / 1_000_000_000n),
  });
  return `${text.slice(0, -1)},"timeNano":${event.time}}\n`;
}
