import type { JsonMessage } from "#formats";
import { cliErrors } from "../errors.ts";
import { withExitCode } from "../exit-code.ts";
import { isTerminal, terminalSize } from "../terminal/terminal.ts";
import { humanSize } from "#base";
import { printable, printableLine } from "./printable.ts";
import { writeText } from "./write.ts";

/** The error a record stands for, marked with the exit status it carries. */
export function recordFailure(record: JsonMessage): Error | undefined {
  const message = record.errorDetail?.message ?? record.error;
  if (message === undefined) return undefined;
  return withExitCode(cliErrors["stream-failed"](message), record.errorDetail?.code || 1);
}

function bar(record: JsonMessage): string {
  const { current = 0, total = 0 } = record.progressDetail ?? {};
  if (current === 0 && total === 0) return "";
  if (total <= 0 || current > total) return ` ${humanSize(current)}`;
  const width = 50;
  const filled = Math.floor((current / total) * width);
  const arrow = filled < width ? `${"=".repeat(filled)}>${" ".repeat(width - filled - 1)}` : "=".repeat(width);
  return ` [${arrow}] ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}

export type ProgressOptions = {
  readonly descriptor: 1 | 2;
  /** Show nothing but failures. */
  readonly quiet?: boolean;
  readonly onAux?: (aux: unknown) => void;
};

/**
 * Shows a stream of progress records: one line per id that is redrawn on a terminal, plain lines elsewhere. Throws for
 * a record that says the operation failed.
 */
export async function showProgress(records: AsyncIterable<JsonMessage>, options: ProgressOptions): Promise<void> {
  const live = isTerminal(options.descriptor) && terminalSize() !== undefined;
  const lines = new Map<string, number>();
  let drawn = 0;
  for await (const record of records) {
    const failure = recordFailure(record);
    if (failure !== undefined) throw failure;
    if (record.aux !== undefined && record.aux !== null) options.onAux?.(record.aux);
    if (options.quiet === true) continue;
    if (record.stream !== undefined) {
      writeText(options.descriptor, printable(record.stream));
      drawn = 0;
      lines.clear();
      continue;
    }
    if (record.status === undefined || record.status === "") continue;
    const id = record.id ?? "";
    const text = `${id === "" ? "" : `${printableLine(id)}: `}${printableLine(record.status)}`;
    if (!live || id === "") {
      // Byte counts of one transfer are of no use in a log.
      if (!live && record.progressDetail?.total !== undefined) continue;
      writeText(options.descriptor, `${text}\n`);
      drawn = 0;
      lines.clear();
      continue;
    }
    const known = lines.get(id);
    if (known === undefined) {
      lines.set(id, drawn++);
      writeText(options.descriptor, `${text}${bar(record)}\n`);
    } else {
      const up = drawn - known;
      writeText(options.descriptor, `\u001b[${up}A\r\u001b[2K${text}${bar(record)}\u001b[${up}B\r`);
    }
  }
}
