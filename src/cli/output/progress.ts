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

/** How fast one line's count grows: over the last seconds, so that it follows a network that changes. */
type Pace = { status: string; readonly samples: { readonly at: number; readonly current: number }[] };

const PACE_MS = 4000;

function rateOf(pace: Pace, record: JsonMessage, now: number): number | undefined {
  const { current = 0 } = record.progressDetail ?? {};
  if (pace.status !== record.status) pace.samples.length = 0;
  pace.status = record.status ?? "";
  pace.samples.push({ at: now, current });
  while (pace.samples.length > 2 && now - (pace.samples[0]?.at ?? now) > PACE_MS) pace.samples.shift();
  const first = pace.samples[0];
  if (first === undefined || now - first.at < 300 || current <= first.current) return undefined;
  return ((current - first.current) / (now - first.at)) * 1000;
}

/** The bar of a record, its sizes and its rate, as wide as there is room for. */
function bar(record: JsonMessage, rate: number | undefined, room: number): string {
  const { current = 0, total = 0 } = record.progressDetail ?? {};
  if (current === 0 && total === 0) return "";
  const pace = rate === undefined ? "" : `  ${humanSize(Math.round(rate))}/s`;
  if (total <= 0 || current > total) return ` ${humanSize(current)}${pace}`;
  const sizes = `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  const width = Math.min(50, room - sizes.length - 16);
  if (width < 10) return ` ${sizes}${pace}`;
  const filled = Math.floor((current / total) * width);
  const arrow = filled < width ? `${"=".repeat(filled)}>${" ".repeat(width - filled - 1)}` : "=".repeat(width);
  return ` [${arrow}] ${sizes}${pace}`;
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
  const size = isTerminal(options.descriptor) ? terminalSize() : undefined;
  const live = size !== undefined;
  const columns = size?.columns ?? 80;
  const rows = size?.rows ?? 24;
  const lines = new Map<string, number>();
  const paces = new Map<string, Pace>();
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
    const pace = paces.get(id) ?? { status: "", samples: [] };
    paces.set(id, pace);
    const rate = record.progressDetail?.total === undefined ? undefined : rateOf(pace, record, performance.now());
    const line = `${text}${bar(record, rate, columns - text.length)}`.slice(0, columns - 1);
    const known = lines.get(id);
    if (known === undefined) {
      lines.set(id, drawn++);
      writeText(options.descriptor, `${line}\n`);
    } else {
      const up = drawn - known;
      // What has left the screen at its top cannot be drawn again.
      if (up >= rows) continue;
      writeText(options.descriptor, `\u001b[${up}A\r\u001b[2K${line}\u001b[${up}B\r`);
    }
  }
}
