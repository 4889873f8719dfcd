import { shortId } from "#base";
import type { BuildEvent } from "./contract.ts";
import type { BuiltPlatform, OneBuild } from "./one-build.ts";
import type { Tag } from "./tag.ts";

/** The classic builder's last lines. */
export function sayTail(
  build: OneBuild,
  images: readonly BuiltPlatform[],
  tags: readonly Tag[],
  output: (event: BuildEvent) => void,
): void {
  const [first] = images;
  if (first === undefined) return;
  const say = (stream: string) => output({ kind: "classic", stream });
  if (first.plan.unconsumed.length > 0) {
    say(`[Warning] One or more build-args [${first.plan.unconsumed.join(" ")}] were not consumed\n`);
  }
  output({ kind: "classic-image", imageId: first.image.imageId });
  say(`Successfully built ${shortId(first.image.imageId)}\n`);
  if (build.request.exporters !== undefined) return;
  for (const { familiar } of tags) say(`Successfully tagged ${familiar}\n`);
}
