import { isErrorKind } from "#base";
import { compileTemplate } from "#templates";
import { printFailure } from "./failure.ts";
import { printable } from "./output/printable.ts";
import { escapeHtml, unescapeFormat } from "./output/list.ts";
import { writeText } from "./output/write.ts";

export type InspectOptions = {
  /** Makes the value templates see of a document. @default the document itself */
  readonly templateValue?: (document: unknown) => unknown;
  /** How an unknown field is called in the error of a template. */
  readonly unknownField?: (name: string) => string;
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
  { templateValue = (document) => document, unknownField, escapesHtml = false }: InspectOptions = {},
): Promise<number> {
  const template =
    format === "" || format === "json"
      ? undefined
      : compileTemplate(unescapeFormat(format), {
          escape: printable,
          ...(unknownField !== undefined && { unknownField }),
        });
  const documents: unknown[] = [];
  const failures: unknown[] = [];
  let text = "";
  for (const name of names) {
    try {
      const document = await find(name);
      if (template !== undefined) text += `${template(templateValue(document))}\n`;
      documents.push(document);
    } catch (error) {
      failures.push(error);
    }
  }
  if (template !== undefined) writeText(1, text === "" ? "\n" : text);
  else {
    const json = JSON.stringify(documents, undefined, format === "json" ? undefined : 4);
    writeText(1, `${escapesHtml ? escapeHtml(json) : json}\n`);
  }
  for (const failure of failures) printFailure(failure);
  return failures.length === 0 ? 0 : 1;
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
