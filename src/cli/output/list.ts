import { compileTemplate, escapeHtml, GoStruct, headerFunctions, type Template, toJson } from "#templates";
import { printableLine } from "./printable.ts";
import { tabulate } from "./tabulate.ts";
import { writeText } from "./write.ts";

/** One line of a listing: fields by the name templates use; functions are fields that take arguments. */
export type Row = Readonly<Record<string, unknown>>;

export type ListOptions = {
  /** `--format`: "", "table", "json", "table TEMPLATE" or "TEMPLATE". */
  readonly format: string;
  readonly quiet?: boolean;
  /** Without the leading "table". */
  readonly defaultTable: string;
  readonly quietTemplate: string;
  /** Field → title of its column. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  /** What the listing lists, for the error about an unknown field. */
  readonly subject: string | ((row: Row) => string);
  /** `--format raw`: one field a line. */
  readonly rawTemplate?: string;
  readonly rawQuietTemplate?: string;
};

/** Plain fields by name, in order. */
function plainFields(row: Row): Record<string, unknown> {
  const plain = Object.keys(row)
    .filter((key) => typeof row[key] !== "function")
    .sort();
  return Object.fromEntries(plain.map((key) => [key, row[key]]));
}

/** A row as `--format json` prints it. */
export function rowJson(row: Row): string {
  return escapeHtml(toJson(plainFields(row)));
}

/** A row as templates see it: its fields are methods, there are no others, and their text is safe to show. */
export function rowValue(row: Row, subject: string): GoStruct {
  return new GoStruct(subject, new RowFields(row), { hasMethods: true, json: () => plainFields(row) });
}

/** The fields of a row, made when a template looks at them. */
class RowFields extends Map<string, unknown> {
  readonly #row: Row;

  constructor(row: Row) {
    super();
    this.#row = row;
    for (const name in row) this.set(name, undefined);
  }

  override get(name: string): unknown {
    if (!this.has(name)) return undefined;
    const value = this.#row[name];
    if (typeof value === "function") return (argument: string) => safe((value as (name: string) => unknown)(argument));
    return safe(value);
  }

  override *values(): MapIterator<unknown> {
    for (const name of this.keys()) yield this.get(name);
  }

  override *entries(): MapIterator<[string, unknown]> {
    for (const name of this.keys()) yield [name, this.get(name)];
  }

  override [Symbol.iterator](): MapIterator<[string, unknown]> {
    return this.entries();
  }
}

function safe(value: unknown): unknown {
  return typeof value === "string" ? printableLine(value) : value;
}

/** Turns `\t` and `\n` written in a shell's single quotes into what they mean, as docker does. */
export function unescapeFormat(format: string): string {
  return format.replaceAll(String.raw`\t`, "\t").replaceAll(String.raw`\n`, "\n");
}

/**
 * The parts of a template that is nothing but text and plain fields of the rows, which most are: text and names in
 * turn. Undefined for any other.
 */
function plainParts(format: string, row: Row): readonly string[] | undefined {
  const parts = format.split(/\{\{\s*\.([A-Za-z]+)\s*\}\}/);
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 0) {
      if (part.includes("{{") || part.includes("}}")) return undefined;
    } else if (!Object.hasOwn(row, part) || typeof row[part] !== "string") return undefined;
  }
  return parts;
}

/** Each row by the template, a line each. Without the interpreter where it would only fetch fields: ten times as quick. */
function renderRows(format: string, rows: readonly Row[], subject: ListOptions["subject"]): string {
  const [first] = rows;
  const parts = first === undefined ? undefined : plainParts(format, first);
  let template: Template | undefined;
  let text = "";
  for (const row of rows) {
    const line = parts === undefined ? undefined : plainLine(parts, row);
    text += `${line ?? (template ??= compileTemplate(format))(rowValue(row, typeof subject === "string" ? subject : subject(row)))}\n`;
  }
  // What is wrong with a template is said of an empty list too.
  if (first === undefined) compileTemplate(format);
  return text;
}

/** Undefined where a field is no text. */
function plainLine(parts: readonly string[], row: Row): string | undefined {
  let line = "";
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? "";
    if (index % 2 === 0) line += part;
    else {
      const value = row[part];
      if (typeof value !== "string") return undefined;
      line += printableLine(value);
    }
  }
  return line;
}

/** Renders a listing as docker's formatter does. */
export function renderList(options: ListOptions): string {
  const { rows, headers, subject } = options;
  let format = unescapeFormat(options.format.trim());
  if (options.quiet === true && (format === "" || format === "table")) format = options.quietTemplate;
  if (format === "raw" && options.rawTemplate !== undefined) {
    format = (options.quiet === true ? options.rawQuietTemplate : undefined) ?? options.rawTemplate;
  }
  if (format === "json") return rows.map((row) => `${rowJson(row)}\n`).join("");
  const isTable = format === "" || format.startsWith("table");
  if (isTable) format = format.replace(/^table/, "").trim() || options.defaultTable;
  const text = renderRows(format, rows, subject);
  if (!isTable) return text;
  const header = compileTemplate(format, { functions: headerFunctions, missingKey: "none", onFailure: "stop" });
  return tabulate(`${header(headerRow(headers))}\n${text}`);
}

/** The titles of the columns; a field without one has no value, a label's is the last word of its name. */
function headerRow(headers: Readonly<Record<string, string>>): unknown {
  return { ...headers, Label: (name: string) => (name.split(".").at(-1) ?? "").replace(/[-_]/g, " ") };
}

export function printList(options: ListOptions): void {
  const text = renderList(options);
  if (text !== "") writeText(1, text);
}
