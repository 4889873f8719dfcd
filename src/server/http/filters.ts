import { serverErrors } from "../errors.ts";

/** A parsed `filters` parameter. */
export type Filters = {
  /** Values given for `key`, empty when it was not used. */
  values(key: string): readonly string[];
  has(key: string): boolean;
  /** True when `key` was not used or `accept` holds for one of its values (Docker: OR within a key). */
  any(key: string, accept: (value: string) => boolean): boolean;
  /** `label` and `label!`: all of the first, none of the second (Docker: AND). */
  labels(labels: Readonly<Record<string, string>> | null | undefined): boolean;
  /** Unanchored regular expression over any of `sources` (`name`, `id`). */
  matches(key: string, ...sources: readonly string[]): boolean;
  /** One boolean such as `dangling`; undefined when not used, 400 when it is no boolean. */
  flag(key: string): boolean | undefined;
};

const none: readonly string[] = [];

/**
 * Reads both forms clients send: `{"label":{"a=b":true}}` and the older `{"label":["a=b"]}` (docker-py, dockerode).
 * An unknown key is Docker's `invalid filter 'x'`.
 */
export function parseFilters(text: string, keys?: readonly string[]): Filters {
  const given = text.trim() === "" ? new Map<string, readonly string[]>() : parse(text);
  if (keys !== undefined) {
    for (const key of given.keys()) if (!keys.includes(key)) throw serverErrors["invalid-filter"](key);
  }
  const patterns = new Map<string, readonly ((source: string) => boolean)[]>();
  const values = (key: string) => given.get(key) ?? none;
  return {
    values,
    has: (key) => values(key).length > 0,
    any: (key, accept) => !given.has(key) || values(key).length === 0 || values(key).some(accept),
    labels: (labels) =>
      values("label").every((wanted) => hasLabel(labels ?? {}, wanted)) &&
      !values("label!").some((unwanted) => hasLabel(labels ?? {}, unwanted)),
    matches: (key, ...sources) => {
      if (values(key).length === 0) return true;
      let tests = patterns.get(key);
      if (tests === undefined) patterns.set(key, (tests = values(key).map(matcher)));
      return tests.some((test) => sources.some(test));
    },
    flag: (key) => {
      const flags = values(key);
      const [value] = flags;
      if (value === undefined) return undefined;
      const lower = value.toLowerCase();
      if (flags.length > 1 || !/^(1|0|t|f|true|false)$/.test(lower))
        throw serverErrors["invalid-filter-value"](key, flags.join(" "));
      return lower === "1" || lower.startsWith("t");
    },
  };
}

function parse(text: string): Map<string, readonly string[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw serverErrors["invalid-filter"]("");
  }
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) throw serverErrors["invalid-filter"]("");
  const result = new Map<string, readonly string[]>();
  for (const [key, entry] of Object.entries(value as Record<string, unknown>)) {
    if (Array.isArray(entry)) {
      if (!entry.every((item) => typeof item === "string")) throw serverErrors["invalid-filter"](key);
      result.set(key, entry);
    } else if (typeof entry === "object" && entry !== null) {
      if (!Object.values(entry).every((item) => typeof item === "boolean")) throw serverErrors["invalid-filter"](key);
      result.set(key, Object.keys(entry));
    } else throw serverErrors["invalid-filter"](key);
  }
  return result;
}

/** `key` tests existence, `key=value` equality. */
function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const key = equals === -1 ? wanted : wanted.slice(0, equals);
  if (!Object.hasOwn(labels, key)) return false;
  return equals === -1 || labels[key] === wanted.slice(equals + 1);
}

/**
 * A regular expression as users write it in `--filter name=^web`. Go's engine is linear, JavaScript's is not: a
 * pattern that could take exponential time (a repeated group, or many repetitions) is taken literally instead.
 */
function matcher(pattern: string): (source: string) => boolean {
  const literal = (source: string) => source.includes(pattern);
  if (/^[\w-]*$/.test(pattern)) return literal;
  const repetitions = pattern.match(/[*+?{]/g)?.length ?? 0;
  if (pattern.length > 256 || repetitions > 4 || /\)[*+?{]/.test(pattern) || /\\\d/.test(pattern)) return literal;
  try {
    const expression = new RegExp(pattern);
    return (source) => expression.test(source);
  } catch {
    return literal;
  }
}
