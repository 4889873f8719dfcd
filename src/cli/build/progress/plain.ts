import { humanSize } from "#base";
import type { BuildProgress } from "#formats";
import { printableLine, printableOutput } from "../../output/printable.ts";
import type { BuildView } from "./view.ts";
import { createSteps, seconds, type ShownStep } from "./steps.ts";

/** The progress of a build as lines, for logs: each begins with the number of its step. */
export function createPlainView(write: (text: string) => void): BuildView {
  const steps = createSteps();
  let current: ShownStep | undefined;
  let warnings = 0;
  const head = (step: ShownStep) => {
    if (current === step) return;
    write(`${current === undefined ? "" : "\n"}#${step.number} ${printableLine(step.name)}\n`);
    current = step;
  };
  return {
    steps: () => steps.all,
    take: (progress: BuildProgress) => {
      for (const change of steps.take(progress)) {
        if (change.kind === "warning") {
          warnings++;
          continue;
        }
        const { step } = change;
        head(step);
        const line = (text: string) => write(`#${step.number} ${text}\n`);
        switch (change.kind) {
          case "started":
            break;
          case "output":
            line(
              `${((change.at - (step.started ?? change.at)) / 1000).toFixed(3)} ${printableOutput(change.text, false)}`,
            );
            break;
          case "status": {
            const { status } = change;
            if (status.completed === undefined) break;
            const size = status.current > 0 ? ` ${humanSize(status.current)}` : "";
            line(`${printableLine(status.id)}${size} done`);
            break;
          }
          case "completed":
            line(endOf(step));
            break;
        }
      }
    },
    finish: () => {
      if (warnings > 0) write(`\n ${warnings} warning${warnings === 1 ? "" : "s"} found (use --check to see them)\n`);
    },
  };
}

function endOf(step: ShownStep): string {
  if (step.error !== undefined) {
    return /context canceled|Build cancelled/.test(step.error) ? "CANCELED" : `ERROR: ${printableLine(step.error)}`;
  }
  if (step.cached) return "CACHED";
  return `DONE ${seconds((step.completed ?? 0) - (step.started ?? 0))}`;
}
