import { delay, isErrorKind } from "#base";
import type { StatsSample } from "#engine";
import type { StatsResponse } from "#formats";
import { statsDocument } from "../documents/stats.ts";
import type { ServerParts } from "../parts.ts";

/** The reading one interval from now; undefined when the client or the container has gone meanwhile. */
export async function nextStats(parts: ServerParts, id: string, signal: AbortSignal): Promise<StatsSample | undefined> {
  try {
    await delay(parts.statsIntervalMs, signal);
    return await parts.engine.containers.stats(id);
  } catch (error) {
    if (signal.aborted || isErrorKind(error, "not-found")) return undefined;
    throw error;
  }
}

/** A record an interval, the first without `precpu_stats`; ends with the container's removal or the client. */
export async function* statsRecords(
  parts: ServerParts,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<StatsResponse, void, undefined> {
  let before: StatsSample | undefined;
  let sample: StatsSample | undefined = await parts.engine.containers.stats(id);
  while (sample !== undefined) {
    yield statsDocument(sample, before);
    before = sample;
    sample = await nextStats(parts, id, signal);
  }
}
