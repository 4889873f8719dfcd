import { humanSize } from "#base";
import { printableLine, printableOutput } from "../../output/printable.ts";
import { ellipsis } from "../../output/truncate.ts";
import { terminalSize } from "../../terminal/terminal.ts";
import { createSteps, seconds, type ShownStep } from "./steps.ts";
import type { BuildView } from "./view.ts";

/** Lines of output that a running step shows. */
const shownLines = 6;
const frameMs = 100;

/** Colour codes; `NO_COLOR` (no-color.org) turns them off. */
function paint(code: number, text: string): string {
  return (process.env["NO_COLOR"] ?? "") === "" ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/**
 * The progress of a build on a terminal: steps that are done stay as lines; those that run are drawn below them again and
 * again, with their time, their transfers and what they printed last.
 */
export function createLiveView(write: (text: string) => void): BuildView {
  const steps = createSteps();
  const begun = Date.now();
  const settled = new Set<ShownStep>();
  let drawn = 0;
  let warnings = 0;

  const erase = () => {
    const text = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[J`;
    drawn = 0;
    return text;
  };
  const width = () => Math.max(20, (terminalSize()?.columns ?? 80) - 1);

  const title = (mark: string, step: ShownStep, note: string, columns: number): string => {
    const name = ellipsis(printableLine(step.name), Math.max(10, columns - note.length - 4));
    const gap = " ".repeat(Math.max(1, columns - name.length - note.length - 2));
    return `${mark} ${name}${gap}${paint(2, note)}`;
  };
  const settledLine = (step: ShownStep, columns: number): string => {
    const time = seconds((step.completed ?? 0) - (step.started ?? 0));
    if (step.error !== undefined) {
      const isCancelled = /context canceled|Build cancelled/.test(step.error);
      return title(paint(31, "✗"), step, isCancelled ? "cancelled" : time, columns);
    }
    return title(paint(32, "✓"), step, step.cached ? "cached" : time, columns);
  };
  const runningLines = (step: ShownStep, columns: number, room: number): string[] => {
    const lines = [title(paint(36, "›"), step, seconds(Date.now() - (step.started ?? Date.now())), columns)];
    for (const status of step.statuses.values()) {
      if (status.completed !== undefined) continue;
      const size =
        (status.total ?? 0) > 0
          ? ` ${humanSize(status.current)} / ${humanSize(status.total ?? 0)}`
          : status.current > 0
            ? ` ${humanSize(status.current)}`
            : "";
      lines.push(paint(2, ellipsis(`    ${printableLine(status.id)}${size}`, columns)));
    }
    for (const { text } of step.lines.slice(-room)) {
      lines.push(paint(2, ellipsis(`    ${printableOutput(text, false)}`, columns)));
    }
    return lines;
  };

  const draw = () => {
    const columns = width();
    const rows = Math.max(6, (terminalSize()?.rows ?? 24) - 3);
    const done: string[] = [];
    for (const step of steps.all) {
      if (step.completed === undefined || settled.has(step)) continue;
      settled.add(step);
      done.push(settledLine(step, columns));
    }
    const running = steps.all.filter((step) => step.started !== undefined && step.completed === undefined);
    const room = Math.max(1, Math.min(shownLines, Math.floor(rows / Math.max(1, running.length)) - 1));
    const lines = running.flatMap((step) => runningLines(step, columns, room)).slice(0, rows);
    const finished = steps.all.filter((step) => step.completed !== undefined).length;
    lines.push(paint(1, `Building ${seconds(Date.now() - begun)} (${finished}/${steps.all.length})`));
    write(`${erase()}${[...done, ...lines].join("\n")}\n`);
    drawn = lines.length;
  };
  const timer = setInterval(draw, frameMs);

  return {
    steps: () => steps.all,
    take: (progress) => {
      for (const change of steps.take(progress)) if (change.kind === "warning") warnings++;
    },
    finish: (failed) => {
      clearInterval(timer);
      const columns = width();
      const rest = steps.all.filter((step) => !settled.has(step));
      const finished = steps.all.filter((step) => step.completed !== undefined).length;
      const word = failed ? paint(31, "Failed") : paint(32, "Built");
      const note = warnings === 0 ? "" : `, ${warnings} warning${warnings === 1 ? "" : "s"} (use --check to see them)`;
      const lines = [
        ...rest.map((step) => settledLine(step, columns)),
        `${word} in ${seconds(Date.now() - begun)} (${finished}/${steps.all.length})${note}`,
      ];
      write(`${erase()}${lines.join("\n")}\n`);
    },
  };
}
