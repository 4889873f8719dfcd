const names = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

export type Ulimit = { Name: string; Soft: number; Hard: number };

/** Reads one `--ulimit`: `name=soft[:hard]`; a text is the sentence about what is wrong. */
function read(text: string): Ulimit | string {
  const [name = "", limits, ...rest] = text.split("=");
  if (limits === undefined || rest.length > 0) return `invalid ulimit argument: ${text}`;
  if (!names.has(name)) return `invalid ulimit type: ${name}`;
  const [softText = "", hardText = softText, ...more] = limits.split(":");
  if (more.length > 0) return `too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``;
  for (const number of [softText, hardText]) {
    if (!/^-?\d+$/.test(number)) return `strconv.ParseInt: parsing "${number}": invalid syntax`;
  }
  const soft = Number(softText);
  const hard = Number(hardText);
  if (hard !== -1 && soft > hard)
    return `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`;
  if (hard !== -1 && soft === -1)
    return `ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${hard}`;
  return { Name: name, Soft: soft, Hard: hard };
}

/** What is wrong with one `--ulimit`, for the flag's check. */
export function ulimitProblem(text: string): string | undefined {
  const result = read(text);
  return typeof result === "string" ? result : undefined;
}

/** The limits that passed their check; the last of a name counts. */
export function parseUlimits(specs: readonly string[]): Ulimit[] {
  const byName = new Map<string, Ulimit>();
  for (const spec of specs) {
    const result = read(spec);
    if (typeof result !== "string") byName.set(result.Name, result);
  }
  return [...byName.values()];
}
