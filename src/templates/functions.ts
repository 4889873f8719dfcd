import { formatValue, GoStruct, isEmpty, NilPointer, toJson, typeNameOf } from "./go-value.ts";
import { sprint, sprintf } from "./printf.ts";

export type ParameterKind = "string" | "int" | "[]string" | "any";

/** A function of templates: what it takes, and what it does. Its errors become Go's "error calling NAME: …". */
export type TemplateFunction = {
  readonly parameters: readonly ParameterKind[];
  /** The last parameter may be given any number of times, also none. */
  readonly isVariadic?: boolean;
  readonly call: (...values: never[]) => unknown;
};

/** Thrown by a function for what it cannot do. */
export class CallFailure extends Error {}

function define<Values extends unknown[]>(
  parameters: readonly ParameterKind[],
  call: (...values: Values) => unknown,
  isVariadic = false,
): TemplateFunction {
  return { parameters, call, isVariadic };
}

const fail = (sentence: string): never => {
  throw new CallFailure(sentence);
};

type Basic = "bool" | "int" | "float" | "string";

function basicKind(value: unknown): Basic | undefined {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  return undefined;
}

const isNil = (value: unknown) => value === undefined || value === null || value instanceof NilPointer;

function equal(left: unknown, right: unknown): boolean {
  if (isNil(left) || isNil(right)) return isNil(left) && isNil(right);
  const kind = basicKind(left);
  if (kind === undefined) return fail(`non-comparable type ${formatValue(left)}: ${typeNameOf(left)}`);
  if (kind !== basicKind(right)) return fail("incompatible types for comparison");
  return typeof left === typeof right ? left === right : BigInt(left as number) === BigInt(right as number);
}

function isLess(left: unknown, right: unknown): boolean {
  const kind = basicKind(left);
  if (kind === undefined || basicKind(right) === undefined || kind === "bool")
    return fail("invalid type for comparison");
  if (kind !== basicKind(right)) return fail("incompatible types for comparison");
  if (kind === "string") return Buffer.compare(Buffer.from(left as string), Buffer.from(right as string)) < 0;
  return (left as number) < (right as number);
}

/** A position in a list or text, checked as Go does: its length is let through here and fails one step later. */
function position(value: unknown, length: number): number {
  if (typeof value !== "number" && typeof value !== "bigint") {
    return value === undefined || value === null
      ? fail("cannot index slice/array with nil")
      : fail(`cannot index slice/array with type ${typeNameOf(value)}`);
  }
  const index = Number(value);
  return index < 0 || index > length ? fail(`index out of range: ${index}`) : index;
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (isNil(value)) return fail(value instanceof NilPointer ? "index of nil pointer" : "index of untyped nil");
  if (typeof value === "string") {
    const bytes = Buffer.from(value);
    return bytes[position(key, bytes.length)] ?? fail("reflect: string index out of range");
  }
  if (Array.isArray(value)) {
    const at = position(key, value.length);
    return at < value.length ? (value[at] as unknown) : fail("reflect: slice index out of range");
  }
  if (typeof value === "object" && !(value instanceof GoStruct)) {
    if (typeof key !== "string") return fail(`value has type ${typeNameOf(key)}; should be string`);
    const fields: Record<string, unknown> = { ...value };
    if (Object.hasOwn(fields, key)) return fields[key];
    // A missing key is the zero value of the map's element type.
    const elements = Object.values(fields);
    if (elements.every((each) => typeof each === "string")) return "";
    return elements.some(Array.isArray) ? [] : undefined;
  }
  return fail(`can't index item of type ${typeNameOf(value)}`);
}

function slice(value: unknown, ...bounds: unknown[]): unknown {
  if (isNil(value)) return fail("slice of untyped nil");
  if (bounds.length > 3) return fail(`too many slice indexes: ${bounds.length}`);
  if (typeof value === "string") {
    if (bounds.length === 3) return fail("cannot 3-index slice a string");
    const bytes = Buffer.from(value);
    const [from = 0, to = bytes.length] = bounds.map((bound) => position(bound, bytes.length));
    if (from > to) return fail(`invalid slice index: ${from} > ${to}`);
    return bytes.subarray(from, to).toString();
  }
  if (!Array.isArray(value)) return fail(`can't slice item of type ${typeNameOf(value)}`);
  const [from = 0, to = value.length] = bounds.map((bound) => position(bound, value.length));
  if (from > to) return fail(`invalid slice index: ${from} > ${to}`);
  return value.slice(from, to);
}

function lengthOf(value: unknown): number {
  if (isNil(value)) return fail("len of nil pointer");
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === "object" && !(value instanceof GoStruct)) return Object.keys(value).length;
  // Pointers are followed before (reflect.Indirect).
  return fail(`len of type ${typeNameOf(value).replace(/^\*/, "")}`);
}

const htmlEntities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };
const scriptEscapes: Record<string, string> = {
  "\\": "\\\\",
  "'": "\\'",
  '"': '\\"',
  "<": "\\u003C",
  ">": "\\u003E",
  "&": "\\u0026",
  "=": "\\u003D",
};

function scriptEscape(text: string): string {
  return text.replace(
    /[\\'"<>&=\u0000-\u001f]/g,
    (each) => scriptEscapes[each] ?? `\\u${each.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

/** Go's QueryEscape. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

/** The functions of Go's text/template and those docker adds. `and` and `or` are the evaluator's: they stop early. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  call: define(["any", "any"], (value: unknown) => fail(`non-function of type ${typeNameOf(value)}`), true),
  eq: define(
    ["any", "any"],
    (left: unknown, ...rest: unknown[]) =>
      rest.length === 0 ? fail("missing argument for comparison") : rest.some((right) => equal(left, right)),
    true,
  ),
  ne: define(["any", "any"], (left: unknown, right: unknown) => !equal(left, right)),
  lt: define(["any", "any"], isLess),
  le: define(["any", "any"], (left: unknown, right: unknown) => isLess(left, right) || equal(left, right)),
  gt: define(["any", "any"], (left: unknown, right: unknown) => !isLess(left, right) && !equal(left, right)),
  ge: define(["any", "any"], (left: unknown, right: unknown) => !isLess(left, right)),
  not: define(["any"], (value: unknown) => isEmpty(value)),
  len: define(["any"], lengthOf),
  index: define(["any", "any"], (value: unknown, ...keys: unknown[]) => keys.reduce(indexOnce, value), true),
  slice: define(["any", "any"], slice, true),
  print: define(["any"], (...values: unknown[]) => sprint(values), true),
  printf: define(["string", "any"], (format: string, ...values: unknown[]) => sprintf(format, values), true),
  println: define(
    ["any"],
    (...values: unknown[]) => `${values.map((each) => (each === undefined ? "<nil>" : formatValue(each))).join(" ")}\n`,
    true,
  ),
  html: define(
    ["any"],
    (...values: unknown[]) => sprint(values).replace(/[&<>"']/g, (each) => htmlEntities[each] ?? each),
    true,
  ),
  js: define(["any"], (...values: unknown[]) => scriptEscape(sprint(values)), true),
  urlquery: define(["any"], (...values: unknown[]) => queryEscape(sprint(values)), true),
  json: define(["any"], toJson),
  split: define(["string", "string"], (text: string, separator: string) =>
    separator === "" ? Array.from(text) : text.split(separator),
  ),
  join: define(["[]string", "string"], (values: string[], separator: string) => values.join(separator)),
  title: define(["string"], (text: string) =>
    text.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (match) => match.toUpperCase()),
  ),
  lower: define(["string"], (text: string) => text.toLowerCase()),
  upper: define(["string"], (text: string) => text.toUpperCase()),
  pad: define(["string", "int", "int"], (text: string, before: number, after: number) =>
    text === "" ? "" : " ".repeat(Math.max(0, before)) + text + " ".repeat(Math.max(0, after)),
  ),
  truncate: define(["string", "int"], (text: string, length: number) => {
    const bytes = Buffer.from(text);
    return bytes.length < length ? text : bytes.subarray(0, length).toString();
  }),
};

/** For the header line of a table: the functions that shape values leave the column's title alone. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...templateFunctions,
  json: define(["string"], (value: string) => value),
  split: define(["string", "string"], (value: string) => value),
  join: define(["string", "string"], (value: string) => value),
  title: define(["string"], (value: string) => value),
  lower: define(["string"], (value: string) => value),
  upper: define(["string"], (value: string) => value),
  truncate: define(["string", "int"], (value: string) => value),
};
