import { EngineError } from "#base";
import { compileTemplate, type TemplateOptions } from "#templates";
import { describe } from "./go-documents/describe.ts";
import { withExitCode } from "./exit-code.ts";
import { unescapeFormat } from "./output/list.ts";
import { printable } from "./output/printable.ts";
import { writeText } from "./output/write.ts";

/** docker's exit status for a template that cannot be read. */
export const malformedTemplateStatus = 64;

/** Does `compile`; a template that cannot be read ends the command as docker does. */
export function compileOrExit<Result>(compile: () => Result): Result {
  try {
    return compile();
  } catch (error) {
    throw error instanceof EngineError ? withExitCode(error, malformedTemplateStatus) : error;
  }
}

/** Compiles a template for one document of a Go type; what it prints is safe to show. */
export function documentTemplate(format: string, goType: string, options: TemplateOptions = {}) {
  const template = compileOrExit(() =>
    compileTemplate(unescapeFormat(format), { escape: printable, missingKey: "none", failedPrefix: "", ...options }),
  );
  return (document: unknown): string => {
    try {
      return template(describe(document, goType));
    } catch (error) {
      // docker has ended the line by then.
      writeText(1, "\n");
      throw error;
    }
  };
}
