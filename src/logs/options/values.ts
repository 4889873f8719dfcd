import { errors } from "../errors.ts";

/** The options of one container's log, as `--log-opt` gave them. */
export type LogOptions = Readonly<Record<string, string>>;

/** Go's strconv.ParseBool; undefined when it is neither. */
export function parseBoolean(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  if (["0", "f", "F", "FALSE", "false", "False"].includes(text)) return false;
  return undefined;
}

/** A boolean option; absent or "" = false. */
export function booleanOption(options: LogOptions, name: string): boolean {
  const text = options[name] ?? "";
  if (text === "") return false;
  const value = parseBoolean(text);
  if (value === undefined) throw errors.logOptionInvalid(`strconv.ParseBool: parsing "${text}": invalid syntax`);
  return value;
}

/** Go's Atoi; undefined when it is no whole number. */
export function parseInteger(text: string): number | undefined {
  return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Refuses options a driver does not know, in that driver's words. */
export function refuseUnknown(driver: string, options: LogOptions, known: ReadonlySet<string>): void {
  for (const option of Object.keys(options)) if (!known.has(option)) throw errors.logOptionUnknown(option, driver);
}

/** Options every driver takes that can tell records of several containers apart. */
export const attributeOptions = ["labels", "labels-regex", "env", "env-regex", "tag"] as const;
