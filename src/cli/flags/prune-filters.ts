import type { Filters } from "#client";
import { readConfig } from "../configuration/config-file.ts";
import { parseFilters } from "./filters.ts";

/** What a label filter of ours would undo of the user's. */
const opposites: Readonly<Record<string, string>> = { label: "label!", "label!": "label" };

/** `--filter` of a prune with the filters `config.json` has for every prune; a label named here wins over one there. */
export function pruneFilters(flags: readonly string[]): Filters {
  const filters: Record<string, readonly string[]> = { ...parseFilters(flags) };
  for (const text of readConfig().pruneFilters ?? []) {
    const equals = text.indexOf("=");
    if (equals < 0) continue;
    const name = text.slice(0, equals);
    const value = text.slice(equals + 1);
    if ((filters[opposites[name] ?? ""] ?? []).includes(value)) continue;
    filters[name] = [...(filters[name] ?? []), value];
  }
  return filters;
}
