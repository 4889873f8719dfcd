import { compileTemplate, type TemplateOptions, headerFunctions, toJson } from "#templates";
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
  readonly subject: string;
  /** What goes before the sentence about a template: docker has two for `ps`. @default "template parsing error: " */
  readonly malformedPrefix?: string;
  readonly failedPrefix?: string;
};

/** A row as `--format json` prints it: plain fields, by name. */
export function rowJson(row: Row): string {
  const plain = Object.keys(row)
    .filter((key) => typeof row[key] !== "function")
    .sort();
  return escapeHtml(toJson(Object.fromEntries(plain.map((key) => [key, row[key]]))));
}

/** JSON as Go writes it unless told otherwise: what HTML would read is escaped. */
export function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
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
  if (format === "json") return rows.map((row) => `${rowJson(row)}\n`).join("");
  const isTable = format === "" || format === "table" || /^table\s/.test(format);
  if (isTable) format = format.replace(/^table/, "").trim() || options.defaultTable;
  const templateOptions: TemplateOptions = {
    escape: printableLine,
    ...(options.malformedPrefix !== undefined && { malformedPrefix: options.malformedPrefix }),
    ...(options.failedPrefix !== undefined && { failedPrefix: options.failedPrefix }),
    unknownField: (name) => `can't evaluate field ${name} in type ${subject}`,
  };
  // A row given to `json` shows its plain fields only.
  const template = compileTemplate(format, templateOptions);
  let text = "";
  if (isTable) text += `${compileTemplate(format, { functions: headerFunctions })(headerRow(headers, rows[0]))}\n`;
  for (const row of rows) text += `${template(row)}\n`;
  return isTable ? tabulate(text) : text;
}

function headerRow(headers: Readonly<Record<string, string>>, sample: Row | undefined): Row {
  const row: Record<string, unknown> = {};
  for (const [name, title] of Object.entries(headers)) row[name] = title;
  for (const [name, value] of Object.entries(sample ?? {})) {
    if (typeof value === "function")
      row[name] = (argument: unknown) => (typeof argument === "string" ? argument : (headers[name] ?? ""));
  }
  return row;
}

export function printList(options: ListOptions): void {
  const text = renderList(options);
  if (text !== "") writeText(1, text);
}
