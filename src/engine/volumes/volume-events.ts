import type { Container } from "../containers/container.ts";
import type { EventService } from "../contract/index.ts";

/** Reports that a container's volumes were mounted for its run, or no longer are. */
export function emitVolumeEvents(
  parts: { readonly events: EventService },
  action: "mount" | "unmount",
  container: Container,
): void {
  for (const { type, name, destination, writable, propagation } of container.document.mounts) {
    if (type !== "volume") continue;
    const attributes: Record<string, string> = { container: container.id, driver: "local" };
    if (action === "mount") {
      attributes["destination"] = destination;
      attributes["propagation"] = propagation;
      attributes["read/write"] = String(writable);
    }
    parts.events.emit({ type: "volume", action, actor: { id: name, attributes } });
  }
}
