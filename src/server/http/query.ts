import type { Nanoseconds } from "#base";
import { parseUnixTimestamp } from "#base";
import { serverErrors } from "../errors.ts";
import { type Filters, parseFilters } from "./filters.ts";

/** How one query parameter is read. The route table prints `kind` and `keys` as documentation. */
export type QueryField<T> = {
  readonly kind: "flag" | "integer" | "text" | "texts" | "json" | "filters" | "time";
  /** Allowed keys of a `filters` parameter. */
  readonly keys?: readonly string[] | undefined;
  /** `values` is empty when the parameter is absent. */
  readonly parse: (values: readonly string[], name: string) => T;
};

/** Parameter name → how it is read. */
export type QueryFields = Readonly<Record<string, QueryField<unknown>>>;

/** What a route's handler gets for its `query` declaration. */
export type QueryOf<Fields extends QueryFields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends QueryField<infer T> ? T : never;
};

/** Docker's truth (httputils.BoolValue): "", 0, no, false and none are false, anything else is true. */
export function isTruthy(value: string): boolean {
  return !["", "0", "no", "false", "none"].includes(value.trim().toLowerCase());
}

/** A boolean; `absent` when the parameter is missing. */
export function flag(absent = false): QueryField<boolean> {
  return { kind: "flag", parse: ([first]) => (first === undefined ? absent : isTruthy(first)) };
}

/** A whole number; "" counts as absent, anything else unparsable is a 400. */
export function integer(): QueryField<number | undefined> {
  return {
    kind: "integer",
    parse: ([first], name) => {
      if (first === undefined || first === "") return undefined;
      if (!/^[+-]?\d{1,18}$/.test(first)) throw serverErrors["invalid-parameter"](name, first, "a whole number");
      return Number(first);
    },
  };
}

/** Text; undefined when missing or empty. */
export function text(): QueryField<string | undefined> {
  return { kind: "text", parse: ([first]) => (first === undefined || first === "" ? undefined : first) };
}

/** A repeatable parameter. */
export function texts(): QueryField<readonly string[]> {
  return { kind: "texts", parse: (values) => values.filter((value) => value !== "") };
}

/** JSON in a parameter, checked by `accept`; undefined when empty. */
export function json<T>(accept: (value: unknown) => T | undefined, expected: string): QueryField<T | undefined> {
  return {
    kind: "json",
    parse: ([first], name) => {
      if (first === undefined || first === "") return undefined;
      let value: unknown;
      try {
        value = JSON.parse(first);
      } catch {
        throw serverErrors["invalid-parameter"](name, first, expected);
      }
      // Go's empty lists and maps: the docker command before 23 sends ulimits=null.
      if (value === null) return undefined;
      const accepted = accept(value);
      if (accepted === undefined) throw serverErrors["invalid-parameter"](name, first, expected);
      return accepted;
    },
  };
}

/** Docker's `filters`, limited to `keys` (undefined = any key). */
export function filters(keys?: readonly string[]): QueryField<Filters> {
  return { kind: "filters", keys, parse: ([first]) => parseFilters(first ?? "", keys) };
}

/** Unix seconds with a fraction, as since and until carry them; undefined when missing or empty. */
export function time(): QueryField<Nanoseconds | undefined> {
  return {
    kind: "time",
    parse: ([first], name) => {
      if (first === undefined || first === "") return undefined;
      const parsed = parseUnixTimestamp(first);
      if (parsed === undefined) throw serverErrors["invalid-parameter"](name, first, "seconds since 1970");
      return parsed;
    },
  };
}

const none: readonly string[] = [];

/** Parses the part after "?" once; malformed percent escapes are a 400 as in Go. */
function split(search: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

function decode(part: string): string {
  if (!part.includes("%") && !part.includes("+")) return part;
  let decoded: string;
  try {
    decoded = decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    throw serverErrors["malformed-request"](`invalid URL escape in "${part}"`);
  }
  // No name, path or word of a command can hold one, and the kernel would see its end there.
  if (decoded.includes("\0")) throw serverErrors["malformed-request"]("the query contains a NUL byte");
  return decoded;
}

/** Reads every declared parameter; undeclared ones are ignored, as Docker does. */
export function readQuery(fields: QueryFields, search: string): Readonly<Record<string, unknown>> {
  const values = split(search);
  const query: Record<string, unknown> = {};
  for (const name in fields) query[name] = fields[name]?.parse(values.get(name) ?? none, name);
  return query;
}
