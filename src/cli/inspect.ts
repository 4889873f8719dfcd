import { isErrorKind } from "#base";
import { compileTemplate, toJson } from "#templates";
import { printFailure } from "./failure.ts";
import { printable } from "./output/printable.ts";
import { unescapeFormat } from "./output/list.ts";
import { writeText } from "./output/write.ts";

/**
 * Prints the documents of several objects: a JSON list, one JSON line each with `json`, or a template on each. What
 * cannot be found is said at the end, and the exit status is 1 then.
 */
export async function inspectAll(
  names: readonly string[],
  format: string,
  find: (name: string) => Promise<unknown>,
): Promise<number> {
  const template =
    format === "" || format === "json" ? undefined : compileTemplate(unescapeFormat(format), { escape: printable });
  const documents: unknown[] = [];
  const failures: unknown[] = [];
  for (const name of names) {
    try {
      documents.push(await find(name));
    } catch (error) {
      failures.push(error);
    }
  }
  if (template !== undefined) for (const document of documents) writeText(1, `${template(document)}\n`);
  else if (format === "json") for (const document of documents) writeText(1, `${toJson(document)}\n`);
  else writeText(1, `${JSON.stringify(documents, undefined, 4)}\n`);
  if (template !== undefined && documents.length === 0) writeText(1, "\n");
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
