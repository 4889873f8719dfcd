import { type Nanoseconds, nowNanoseconds } from "#base";
import type { EngineEvent } from "#engine";
import { eventLine } from "../documents/event.ts";
import { serverErrors } from "../errors.ts";
import { filters, time } from "../http/query.ts";
import { route, type Route } from "../http/route.ts";
import { isGone, openStream } from "../http/stream-reply.ts";
import { eventSelector } from "./event-selection.ts";

/** A client that does not read may let this much pile up before it is cut off. */
const BACKLOG_LIMIT_BYTES = 4 * 1024 * 1024;
/** The longest delay a timer can have. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What happened and happens. */
export const eventRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/events",
    query: { since: time(), until: time(), filters: filters() },
    async handle({ parts, query, response }) {
      const { since, until } = query;
      if (since !== undefined && until !== undefined && since > until)
        throw serverErrors["since-after-until"](String(since / 1_000_000_000n), String(until / 1_000_000_000n));
      const accepts = eventSelector(query.filters);
      const { events } = parts.engine;
      openStream(response, "application/json");

      const write = (event: EngineEvent) => {
        if (!accepts(event) || isGone(response)) return;
        response.write(eventLine(event));
        if (response.writableLength > BACKLOG_LIMIT_BYTES) response.destroy();
      };
      // The past only when it was asked for.
      if (since !== undefined || until !== undefined) {
        for (const event of events.past())
          if ((since === undefined || event.time >= since) && (until === undefined || event.time <= until))
            write(event);
      }
      if (until !== undefined && until <= nowNanoseconds()) {
        response.end();
        return;
      }
      const unsubscribe = events.subscribe(write);
      parts.counters.eventListeners++;
      try {
        await closedOrReached(response, until);
      } finally {
        parts.counters.eventListeners--;
        unsubscribe();
      }
      if (!isGone(response)) response.end();
    },
  }),
];

/** Resolves when the client has gone, or the clock has reached `until`. */
function closedOrReached(response: Parameters<typeof isGone>[0], until: Nanoseconds | undefined): Promise<void> {
  return new Promise((resolve) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const done = () => {
      clearTimeout(timer);
      response.off("close", done);
      resolve();
    };
    if (isGone(response)) {
      resolve();
      return;
    }
    response.once("close", done);
    const arm = () => {
      if (until === undefined) return;
      const left = Number((until - nowNanoseconds()) / 1_000_000n);
      timer = left > MAX_TIMER_MS ? setTimeout(arm, MAX_TIMER_MS) : setTimeout(done, Math.max(0, left));
    };
    arm();
  });
}
