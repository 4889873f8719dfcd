import { type Nanoseconds, nowNanoseconds, parseGoDuration, parseRfc3339, parseUnixTimestamp } from "#base";
import { serverErrors } from "../errors.ts";
import type { Filters } from "../http/filters.ts";

const running = new WeakSet<object>();

/** One prune at a time of what `service` holds; a second one meanwhile is a conflict, as in Docker. */
export async function exclusivePrune<T>(service: object, prune: () => Promise<T>): Promise<T> {
  if (running.has(service)) throw serverErrors["prune-running"]();
  running.add(service);
  try {
    return await prune();
  } finally {
    running.delete(service);
  }
}

/** The filters every prune knows. */
export const pruneFilterKeys = ["until", "label", "label!"] as const;

/** Reads a moment as filters write it: `24h` ago, RFC 3339, a date, or unix seconds; undefined when malformed. */
export function parseMoment(text: string): Nanoseconds | undefined {
  const duration = parseGoDuration(text);
  if (duration !== undefined) return nowNanoseconds() - BigInt(Math.trunc(duration));
  return (
    parseUnixTimestamp(text) ??
    parseRfc3339(text) ??
    parseRfc3339(`${text}Z`) ??
    parseRfc3339(`${text}:00Z`) ??
    parseRfc3339(`${text}T00:00:00Z`)
  );
}

/** What a prune's `until` allows to go: things made before this; undefined = all. */
export function prunedBefore(filters: Filters, keys: readonly string[] = ["until"]): Nanoseconds | undefined {
  const values = keys.flatMap((key) => filters.values(key));
  if (values.length > 1) throw serverErrors["prune-until"]();
  const [value] = values;
  if (value === undefined) return undefined;
  const moment = parseMoment(value);
  if (moment === undefined) throw serverErrors["invalid-filter-value"]("until", value);
  return moment;
}
