/** The kernel's largest NR_CPUS; Docker refuses more as well. */
const largestNumber = 8192;

/**
 * Expands the kernel's list form of CPUs or memory nodes, "0-2,5" → 0, 1, 2, 5 (cpuset(7), "Formats"), ascending and each
 * once; "" is none. Undefined when malformed or when a number is above 8192.
 */
export function parseNumberList(text: string): readonly number[] | undefined {
  const numbers = new Set<number>();
  const trimmed = text.trim();
  if (trimmed === "") return [];
  for (const part of trimmed.split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last > largestNumber) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].toSorted((left, right) => left - right);
}
