import type { Filters } from "#client";
import { cliErrors } from "../errors.ts";

/** Reads `--filter name=value` flags. */
export function parseFilters(flags: readonly string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const text of flags) {
    if (text === "") continue;
    const equals = text.indexOf("=");
    if (equals < 0) {
      throw cliErrors["bad-flag"](
        `invalid argument "${text}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    }
    const name = text.slice(0, equals).trim().toLowerCase();
    (filters[name] ??= []).push(text.slice(equals + 1).trim());
  }
  return filters;
}
