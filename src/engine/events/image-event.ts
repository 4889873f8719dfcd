import type { ImageRecord } from "#images";
import type { EventService } from "../contract/index.ts";

/** An image's events carry its labels and a name; where no name is meant, that is the id (moby: LogImageEvent). */
export function emitImageEvent(
  events: EventService,
  action: string,
  image: Pick<ImageRecord, "id" | "config">,
  name: string = image.id,
): void {
  events.emit({
    type: "image",
    action,
    actor: { id: image.id, attributes: { ...image.config.config?.Labels, name } },
  });
}
