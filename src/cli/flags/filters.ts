import type { Filters } from "#client";

/** What is wrong with one `--filter`, for the flag's check. */
export function filterProblem(text: string): string | undefined {
  return text === "" || text.includes("=") ? undefined : "bad format of filter (expected name=value)";
}

/** Reads `--filter name=value` flags that passed their check. */
export function parseFilters(flags: readonly string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const text of flags) {
    if (text === "") continue;
    const equals = text.indexOf("=");
    if (equals < 0) continue;
    const name = text.slice(0, equals).trim().toLowerCase();
    (filters[name] ??= []).push(text.slice(equals + 1).trim());
  }
  return filters;
}
