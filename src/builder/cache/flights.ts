import { EngineError } from "#base";
import type { CachedStep } from "./build-cache.ts";

/** Output of a step, as its first listener got it. */
export type FlightOutput = { readonly stream: "stdout" | "stderr"; readonly data: Uint8Array };

type Flight = {
  readonly done: Promise<CachedStep>;
  readonly past: FlightOutput[];
  readonly listeners: Set<(output: FlightOutput) => void>;
};

/** Steps at work, by key: whoever needs one that another build is making waits for it instead of making it too. */
export type Flights = {
  /**
   * Makes a step's result, or waits for the one that makes it already. When that one was cancelled, somebody who still
   * wants it takes over; when it failed, all fail alike.
   * @param listen gets the step's output from its beginning, whoever makes it
   */
  share(
    key: string,
    options: { readonly signal: AbortSignal; readonly listen: (output: FlightOutput) => void },
    make: (output: (output: FlightOutput) => void) => Promise<CachedStep>,
  ): Promise<CachedStep & { readonly isShared: boolean }>;
};

/** One for all builds of a daemon. */
export function createFlights(): Flights {
  const flights = new Map<string, Flight>();
  const lead = async (
    key: string,
    listen: (output: FlightOutput) => void,
    make: (output: (output: FlightOutput) => void) => Promise<CachedStep>,
  ): Promise<CachedStep> => {
    const { promise, resolve, reject } = Promise.withResolvers<CachedStep>();
    promise.catch(() => {
      // Whoever waits has its own hold on it.
    });
    const flight: Flight = { done: promise, past: [], listeners: new Set([listen]) };
    flights.set(key, flight);
    try {
      const result = await make((output) => {
        flight.past.push(output);
        for (const listener of flight.listeners) listener(output);
      });
      resolve(result);
      return result;
    } catch (error) {
      reject(error);
      throw error;
    } finally {
      flights.delete(key);
    }
  };
  return {
    share: async (key, { signal, listen }, make) => {
      for (;;) {
        signal.throwIfAborted();
        const flight = flights.get(key);
        if (flight === undefined) return { ...(await lead(key, listen, make)), isShared: false };
        for (const output of flight.past) listen(output);
        flight.listeners.add(listen);
        try {
          return { ...(await orAborted(flight.done, signal)), isShared: true };
        } catch (error) {
          signal.throwIfAborted();
          // Another build's failure is its own unless it is the step's: then this one would fail in the same way.
          if (error instanceof EngineError && error.kind !== "cancelled") throw error;
        } finally {
          flight.listeners.delete(listen);
        }
      }
    },
  };
}

async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
