import { compileTemplate, escapeHtml, GoStruct, headerFunctions, toJson } from "#templates";
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
  const fields = new Map<string, unknown>();
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "function")
      fields.set(name, (argument: string) => safe((value as (name: string) => unknown)(argument)));
    else fields.set(name, safe(value));
  }
  return new GoStruct(subject, fields, { hasMethods: true, json: plainFields(row) });
}

function safe(value: unknown): unknown {
  return typeof value === "string" ? printableLine(value) : value;
}

/** Turns `\t` and `\n` written in a shell's single quotes into what they mean, as docker does. */
export function unescapeFormat(format: string): string {
  return format.replaceAll(String.raw`\t`, "\t").replaceAll(String.raw`\n`, "\n");
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
  const template = compileTemplate(format);
  let text = "";
  for (const row of rows) text += `${template(rowValue(row, typeof subject === "string" ? subject : subject(row)))}\n`;
  if (!isTable) return text;
  const header = compileTemplate(format, { functions: headerFunctions, missingKey: "none" });
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
