import type { BuildWarning, CallAnswer, SourceRange } from "../contract.ts";
import { excerptOf } from "../run/failure.ts";
import type { Outline } from "./outline.ts";
import type { TargetDescription } from "./targets.ts";

/*
 * Answers to the questions that BuildKit's clients ask instead of building (frontend/subrequests): the documents and texts
 * are theirs, so that what they print of ours is what they print of BuildKit's.
 */

/** The Dockerfile a question is about. */
export type AskedFile = { readonly name: string; readonly text: string };

/** How the plan failed, when the checks came that far. */
export type CheckFailure = { readonly message: string; readonly source: SourceRange | undefined };

/** The version of every answer's form. */
const version = "1.0.0";

/** Every question there is, as `subrequests.describe` lists them. */
const questions = [
  {
    Name: "frontend.outline",
    Version: version,
    Type: "rpc",
    Description: "List all parameters current build target supports",
    Opts: [{ Name: "target", Description: "Target build stage" }],
    Metadata: [{ Name: "result.json" }, { Name: "result.txt" }],
  },
  {
    Name: "frontend.targets",
    Version: version,
    Type: "rpc",
    Description: "List all targets current build supports",
    Opts: [],
    Metadata: [{ Name: "result.json" }, { Name: "result.txt" }],
  },
  {
    Name: "frontend.lint",
    Version: version,
    Type: "rpc",
    Description: "Lint a Dockerfile",
    Opts: [],
    Metadata: [{ Name: "result.json" }, { Name: "result.txt" }, { Name: "result.statuscode" }],
  },
  {
    Name: "frontend.subrequests.describe",
    Version: version,
    Type: "rpc",
    Description: "List available subrequest types",
    Opts: [],
    Metadata: [{ Name: "result.json" }, { Name: "result.txt" }],
  },
] as const;

/** The answer to `--call outline`. */
export function answerOutline(outline: Outline, file: AskedFile): CallAnswer {
  const need = ({ name, required, ...lines }: Outline["secrets"][number]) => ({
    name,
    ...(required ? { required } : {}),
    location: locationOf(lines),
  });
  const document = {
    ...filled({ name: outline.name, description: outline.description }),
    ...some(
      "args",
      outline.arguments.map(({ name, value, description, ...lines }) => ({
        name,
        ...filled({ description, value }),
        location: locationOf(lines),
      })),
    ),
    ...some("secrets", outline.secrets.map(need)),
    ...some("ssh", outline.agents.map(need)),
    sources: [base64(file.text)],
  };
  const parts: string[] = [];
  if (outline.name !== undefined || outline.description !== undefined) {
    const rows = [["TARGET:", outline.name ?? "(default)"]];
    if (outline.description !== undefined) rows.push(["DESCRIPTION:", outline.description]);
    parts.push(columns(rows, 1));
  }
  if (outline.arguments.length > 0) {
    const rows = outline.arguments.map(({ name, value, description }) => [name, value ?? "", description ?? ""]);
    parts.push(columns([["BUILD ARG", "VALUE", "DESCRIPTION"], ...rows], 3));
  }
  const needs = (title: string, found: Outline["secrets"]) => {
    if (found.length === 0) return;
    parts.push(columns([[title, "REQUIRED"], ...found.map(({ name, required }) => [name, required ? "true" : ""])], 3));
  };
  needs("SECRET", outline.secrets);
  needs("SSH", outline.agents);
  return { json: pretty(document), text: parts.map((part) => `${part}\n`).join(""), version, status: 0 };
}

/** The answer to `--call targets`. */
export function answerTargets(targets: readonly TargetDescription[], file: AskedFile): CallAnswer {
  const document = {
    targets: targets.map(({ name, description, isDefault, base, platform, ...lines }) => ({
      ...filled({ name }),
      ...(isDefault ? { default: true } : {}),
      ...filled({ description, base, platform }),
      location: locationOf(lines),
    })),
    sources: [base64(file.text)],
  };
  const rows = targets.map(({ name, description, isDefault }) => [
    isDefault ? (name === undefined ? "(default)" : `${name} (default)`) : (name ?? ""),
    description ?? "",
  ]);
  return { json: pretty(document), text: columns([["TARGET", "DESCRIPTION"], ...rows], 1), version, status: 0 };
}

/** The answer to `--call subrequests.describe`. */
export function answerQuestions(): CallAnswer {
  const rows = questions.map((question) => [
    question.Name.replace(/^frontend\./, ""),
    question.Version,
    question.Description,
  ]);
  return {
    json: pretty(questions),
    text: columns([["NAME", "VERSION", "DESCRIPTION"], ...rows], 1),
    version,
    status: 0,
  };
}

/** The answer to `--call check`: what was found, and how the plan failed when it did. */
export function answerCheck(
  warnings: readonly BuildWarning[],
  failure: CheckFailure | undefined,
  file: AskedFile,
): CallAnswer {
  const sorted = warnings.toSorted((one, other) => one.source.startLine - other.source.startLine);
  const document = {
    warnings: sorted.map((warning) => ({
      ruleName: warning.rule,
      description: warning.description,
      url: warning.url,
      detail: warning.message,
      location: locationOf(warning.source),
    })),
    sources: [{ filename: file.name, data: base64(file.text), language: "Dockerfile" }],
    ...(failure === undefined
      ? {}
      : {
          buildError: {
            message: failure.message,
            ...(failure.source === undefined ? {} : { location: locationOf(failure.source) }),
          },
        }),
  };
  const found = sorted.map(
    ({ rule, url, message, source }) =>
      `\nWARNING: ${rule}${url === "" ? "" : ` - ${url}`}\n${message}\n${excerptOf(source, file.text)}`,
  );
  const failed =
    failure === undefined
      ? []
      : [`\nERROR: ${failure.message}\n${failure.source === undefined ? "" : excerptOf(failure.source, file.text)}`];
  const status = warnings.length === 0 && failure === undefined ? 0 : 1;
  return { json: pretty(document), text: [...found, ...failed].join(""), version, status };
}

/** pb.Location: a range for each line. */
function locationOf({ startLine, endLine }: Pick<SourceRange, "startLine" | "endLine">) {
  const lines = Array.from({ length: Math.max(1, endLine - startLine + 1) }, (_, index) => startLine + index);
  return { ranges: lines.map((line) => ({ start: { line }, end: { line } })) };
}

/** Go's omitempty. */
function filled(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ""),
  );
}

function some<Value>(name: string, values: readonly Value[]): Record<string, readonly Value[]> {
  return values.length === 0 ? {} : { [name]: values };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function pretty(document: unknown): string {
  return JSON.stringify(document, undefined, 2);
}

/** Columns as Go's tabwriter aligns them. */
function columns(rows: readonly (readonly string[])[], gap: number): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  const line = (row: readonly string[]) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd((widths[index] ?? 0) + gap))).join("");
  return rows.map((row) => `${line(row)}\n`).join("");
}
