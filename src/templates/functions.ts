import { errors } from "./errors.ts";
import { formatValue, isEmpty, sprintf } from "./go-value.ts";

export type TemplateFunction = (...values: unknown[]) => unknown;

function text(value: unknown): string {
  return typeof value === "string" ? value : formatValue(value);
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") return left < right ? -1 : left > right ? 1 : 0;
  throw errors["template-failed"]("template: error calling comparison: incompatible types for comparison");
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value) || typeof value === "string") {
    if (typeof key !== "number")
      throw errors["template-failed"](`template: cannot index slice/array with type ${typeof key}`);
    if (key < 0 || key >= value.length)
      throw errors["template-failed"](`template: error calling index: index out of range: ${key}`);
    return value[key] as unknown;
  }
  if (typeof value === "object") {
    const fields = value as Record<string, unknown>;
    const name = text(key);
    if (Object.hasOwn(fields, name)) return fields[name];
    // A missing key is the zero value of the map's element type.
    return Object.values(fields).every((each) => typeof each === "string") ? "" : undefined;
  }
  throw errors["template-failed"](`template: error calling index: can't index item of type ${typeof value}`);
}

/** JSON as Go writes it without HTML escapes. */
export function toJson(value: unknown): string {
  return JSON.stringify(value ?? null);
}

function print(values: readonly unknown[]): string {
  // Go's Sprint: a space between two values when neither is a string.
  return values.reduce<string>((line, value, index) => {
    const spaced = index > 0 && typeof value !== "string" && typeof values[index - 1] !== "string";
    return line + (spaced ? " " : "") + formatValue(value);
  }, "");
}

const htmlEntities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

/** The functions of Go's text/template and those docker adds. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  eq: (left, ...rest) => rest.some((right) => left === right),
  ne: (left, right) => left !== right,
  lt: (left, right) => compare(left, right) < 0,
  le: (left, right) => compare(left, right) <= 0,
  gt: (left, right) => compare(left, right) > 0,
  ge: (left, right) => compare(left, right) >= 0,
  not: (value) => isEmpty(value),
  len: (value) => {
    if (value === null || value === undefined) return 0;
    if (typeof value === "string") return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (typeof value === "object") return Object.keys(value).length;
    throw errors["template-failed"](`template: error calling len: len of type ${typeof value}`);
  },
  index: (value, ...keys) => keys.reduce(indexOnce, value),
  slice: (value, start, end) => {
    const from = start === undefined ? 0 : Number(start);
    if (typeof value !== "string" && !Array.isArray(value)) {
      throw errors["template-failed"](`template: error calling slice: can't slice item of type ${typeof value}`);
    }
    const to = end === undefined ? value.length : Number(end);
    if (from < 0 || to > value.length || from > to) {
      throw errors["template-failed"](`template: error calling slice: index out of range: ${Math.max(from, to)}`);
    }
    return value.slice(from, to);
  },
  print: (...values) => print(values),
  printf: (format, ...values) => sprintf(text(format), values),
  println: (...values) => `${values.map(formatValue).join(" ")}\n`,
  html: (...values) => print(values).replace(/[&<>"']/g, (character) => htmlEntities[character] ?? character),
  urlquery: (...values) => encodeURIComponent(print(values)).replaceAll("%20", "+"),
  json: toJson,
  split: (value, separator) => text(value).split(text(separator)),
  join: (values, separator) => (Array.isArray(values) ? values.map(text).join(text(separator)) : ""),
  title: (value) => text(value).replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (match) => match.toUpperCase()),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: (value, before, after) =>
    text(value) === "" ? "" : " ".repeat(Number(before)) + text(value) + " ".repeat(Number(after)),
  truncate: (value, length) => Array.from(text(value)).slice(0, Number(length)).join(""),
};

/** For the header line of a table: the functions that shape values leave the column's title alone. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...templateFunctions,
  json: (value) => value,
  split: (value) => value,
  join: (value) => value,
  title: (value) => value,
  lower: (value) => value,
  upper: (value) => value,
  truncate: (value) => value,
};
