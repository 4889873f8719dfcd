import type { Readable } from "node:stream";
import { createStdioDemuxer } from "#wire";

/** Reads a multiplexed stream to its end; the first `limit` bytes as text, with "..." when there were more. */
export async function collectOutput(stream: Readable, limit: number): Promise<string> {
  const kept: Uint8Array[] = [];
  let size = 0;
  let cut = false;
  const demuxer = createStdioDemuxer((_, data) => {
    const room = limit - size;
    if (room < data.length) cut = true;
    if (room <= 0) return;
    kept.push(data.slice(0, room));
    size += Math.min(room, data.length);
  });
  try {
    for await (const chunk of stream) demuxer.push(chunk as Uint8Array);
  } catch {
    // The process was given up on; what came until then is the answer.
  }
  return Buffer.concat(kept).toString("utf8") + (cut ? "..." : "");
}
