import { EngineError, errorMessage } from "#base";
import { isDaemonError } from "#client";
import { printable } from "./output/printable.ts";
import { writeText } from "./output/write.ts";

/** The sentence for an error, in docker's words. */
export function failureText(error: unknown): string {
  const message = printable(errorMessage(error));
  return isDaemonError(error) ? `Error response from daemon: ${message}` : message;
}

const told: string[] = [];

/** The sentences that were told so far, for whoever can say more about them. */
export function toldFailures(): readonly string[] {
  return told;
}

/** Keeps a sentence that is told in other words. */
export function noteFailure(error: Error): void {
  told.push(error.message);
}

/** Writes an error, and what to do about it when that is known, to standard error. */
export function printFailure(error: unknown, prefix = ""): void {
  const text = failureText(error);
  if (error instanceof Error) noteFailure(error);
  if (text !== "") writeText(2, `${prefix}${text}\n`);
  if (error instanceof EngineError && error.hint !== undefined) writeText(2, `Hint: ${printable(error.hint)}\n`);
  if (process.env["BERTH_DEBUG"] === "1" && error instanceof Error) writeText(2, `${printable(error.stack ?? "")}\n`);
}

/**
 * Does something for each name at once and prints in the order of the names; failures are printed and make the exit
 * status 1, the others go on.
 */
export async function forEachName(
  names: readonly string[],
  action: (name: string) => Promise<string | void>,
  options: { readonly isIgnored?: (error: unknown) => boolean } = {},
): Promise<number> {
  const results = names.map((name) =>
    action(name).then(
      (text) => ({ text }),
      (error: unknown) => ({ error }),
    ),
  );
  let status = 0;
  for (const pending of results) {
    const result = await pending;
    if ("error" in result) {
      printFailure(result.error);
      if (options.isIgnored?.(result.error) !== true) status = 1;
    } else if (typeof result.text === "string") writeText(1, `${result.text}\n`);
  }
  return status;
}
