import { printableLine, printableOutput } from "../output/printable.ts";
import { ellipsis } from "../output/truncate.ts";
import { writeText } from "../output/write.ts";
import { terminalSize } from "../terminal/terminal.ts";

const shownLines = 6;

/** Colour codes only where a terminal shows them; `NO_COLOR` (no-color.org) turns them off. */
function paint(code: number, text: string): string {
  return (process.env["NO_COLOR"] ?? "") === "" ? `\u001b[${code}m${text}\u001b[0m` : text;
}

/** A line as a terminal would show it in the end: without colours, and of what overwrites itself the last. */
function settled(line: string): string {
  const parts = printableOutput(line, false).split("\r");
  return parts.findLast((part) => part.trim() !== "") ?? "";
}

/** The progress of a build on a terminal: finished steps stay as lines, the current one shows its time and last output. */
export function createLiveView() {
  let title = "";
  let startedAt = 0;
  let output: string[] = [];
  let partial = "";
  let drawnLines = 0;
  let cached = false;

  const columns = () => terminalSize()?.columns ?? 80;
  const elapsed = () => `${((Date.now() - startedAt) / 1000).toFixed(1)}s`;
  const erase = () => {
    const text = drawnLines === 0 ? "" : `\u001b[${drawnLines}A\u001b[J`;
    drawnLines = 0;
    return text;
  };
  const draw = () => {
    if (title === "") return;
    const width = columns() - 1;
    const lines = [
      ellipsis(`${paint(36, "›")} ${title} ${paint(2, elapsed())}`, width + 16),
      ...output.slice(-shownLines).map((line) => paint(2, ellipsis(`  ${line}`, width))),
    ];
    writeText(1, `${erase()}${lines.join("\n")}\n`);
    drawnLines = lines.length;
  };
  const finishStep = (mark: string) => {
    if (title !== "") writeText(1, `${erase()}${mark} ${title} ${paint(2, cached ? "cached" : elapsed())}\n`);
    title = "";
  };
  const timer = setInterval(draw, 100);

  function takeLine(line: string): void {
    const step = /^Step (\d+\/\d+) : (.*)$/.exec(line);
    if (step !== null) {
      finishStep(paint(32, "✓"));
      title = `[${step[1]}] ${printableLine(step[2] ?? "")}`;
      startedAt = Date.now();
      output = [];
      cached = false;
    } else if (line.startsWith(" ---> Using cache")) cached = true;
    else if (/^Successfully (?:built|tagged) /.test(line)) {
      finishStep(paint(32, "✓"));
      writeText(1, `${printableLine(line)}\n`);
    } else if (!/^ ---> |^Removing intermediate container|^\s*$/.test(line)) output.push(printableLine(line));
  }

  return {
    /** Text of the build's stream. */
    write(text: string) {
      const lines = (partial + text).split(/\r?\n/);
      partial = lines.pop() ?? "";
      for (const line of lines) takeLine(settled(line));
    },
    /** Ends the view; a failed step shows all it has said. */
    finish(failed: boolean) {
      clearInterval(timer);
      if (partial !== "") takeLine(settled(partial));
      finishStep(failed ? paint(31, "✗") : paint(32, "✓"));
      if (failed) for (const line of output) writeText(2, `  ${line}\n`);
    },
  };
}
