import { EngineError, isErrorKind } from "#base";
import { compileTemplate, escapeHtml, type Template } from "#templates";
import { compileOrExit } from "./formatted-document.ts";
import { describe } from "./go-documents/describe.ts";
import { printFailure } from "./failure.ts";
import { printable } from "./output/printable.ts";
import { unescapeFormat } from "./output/list.ts";
import { writeText } from "./output/write.ts";

export type InspectOptions = {
  /** The Go type of the documents: templates see their fields as Go has them. @default maps, as JSON has them */
  readonly goType?: string | ((document: unknown) => string);
  /** A template that fails on the Go type is tried on the JSON, as docker does for what the daemon answered. */
  readonly fallsBack?: boolean;
  /** The JSON is our own and not the daemon's: Go escapes what HTML would read. */
  readonly escapesHtml?: boolean;
};

/**
 * Prints the documents of several objects: a JSON list (`json` makes it one line), or a template on each. What cannot be
 * found is said at the end, and the exit status is 1 then. A template that fails ends the line of its object.
 */
export async function inspectAll(
  names: readonly string[],
  format: string,
  find: (name: string) => Promise<unknown>,
  options: InspectOptions = {},
): Promise<number> {
  const template = format === "" || format === "json" ? undefined : typedTemplate(format, options);
  const documents: unknown[] = [];
  const failures: unknown[] = [];
  let text = "";
  for (const name of names) {
    try {
      const document = await find(name);
      if (template !== undefined) text += `${template(document)}\n`;
      documents.push(document);
    } catch (error) {
      failures.push(error);
    }
  }
  if (template !== undefined) writeText(1, text === "" ? "\n" : text);
  else {
    const json = JSON.stringify(documents, undefined, format === "json" ? undefined : 4);
    writeText(1, `${options.escapesHtml === true ? escapeHtml(json) : json}\n`);
  }
  for (const failure of failures) printFailure(failure);
  return failures.length === 0 ? 0 : 1;
}

/** A template for documents of one Go type, which knows what docker's own types are called and hold. */
function typedTemplate(format: string, { goType, fallsBack = true }: InspectOptions): Template {
  const source = unescapeFormat(format);
  const onMaps = compileOrExit(() => compileTemplate(source, { escape: printable }));
  if (goType === undefined) return onMaps;
  const onTypes = compileTemplate(source, { escape: printable, missingKey: "none" });
  return (document) => {
    try {
      return onTypes(describe(document, typeof goType === "string" ? goType : goType(document)));
    } catch (error) {
      if (!fallsBack || !(error instanceof EngineError)) throw error;
      return onMaps(document);
    }
  };
}

/** The first of several ways to find a name that does not answer "not found". */
export async function findFirst(
  name: string,
  ways: readonly ((name: string) => Promise<unknown>)[],
  otherwise: () => Error,
) {
  for (const way of ways) {
    try {
      return await way(name);
    } catch (error) {
      if (!isErrorKind(error, "not-found")) throw error;
    }
  }
  throw otherwise();
}
