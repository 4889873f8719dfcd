/**
 * Time in nanoseconds since the Unix epoch. JavaScript's clock gives microseconds at best; Docker's
 * formats carry nanoseconds, and clients order by them.
 */
export type Nanoseconds = bigint;

/** Docker's "never": Go's zero time. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

let last = 0n;

/** Now; strictly increasing within this process, so equal stamps never reorder. */
export function nowNanoseconds(): Nanoseconds {
  const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
  last = now > last ? now : last + 1n;
  return last;
}

function fraction(nanoseconds: Nanoseconds): string {
  return (nanoseconds % 1_000_000_000n).toString().padStart(9, "0");
}

function seconds(nanoseconds: Nanoseconds): string {
  return new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19);
}

/** RFC3339Nano in UTC with trailing zeros trimmed, as Docker's inspect shows times. */
export function formatRfc3339Nano(nanoseconds: Nanoseconds): string {
  const digits = fraction(nanoseconds).replace(/0+$/, "");
  return `${seconds(nanoseconds)}${digits === "" ? "" : `.${digits}`}Z`;
}

/** RFC3339 with exactly nine fraction digits, as `docker logs --timestamps` prints. */
export function formatRfc3339Fixed(nanoseconds: Nanoseconds): string {
  return `${seconds(nanoseconds)}.${fraction(nanoseconds)}Z`;
}

/** Parses RFC3339 with any number of fraction digits; undefined when it is not one. */
export function parseRfc3339(text: string): Nanoseconds | undefined {
  const match = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const [, base = "", digits = "", zone = "Z"] = match;
  const ms = Date.parse(`${base.replace(" ", "T").toUpperCase()}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(digits.padEnd(9, "0"));
}

/** Parses `seconds[.fraction]` as the API's since/until carry it; undefined when it is not a number. */
export function parseUnixTimestamp(text: string): Nanoseconds | undefined {
  const match = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1] ?? "0") * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}
