/** Filters by name; several values of one name are alternatives (except `label`). */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** The `filters` query parameter: JSON of name → value → true, with names in order; undefined when there are none. */
export function encodeFilters(filters: Filters | undefined): string | undefined {
  if (filters === undefined) return undefined;
  const entries = Object.entries(filters)
    .filter(([, values]) => values.length > 0)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, values]) => [name, Object.fromEntries(values.map((value) => [value, true]))] as const);
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
}
