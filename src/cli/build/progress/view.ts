import type { BuildProgress } from "#formats";
import type { ShownStep } from "./steps.ts";

/** How a build is shown while it runs. */
export type BuildView = {
  take(progress: BuildProgress): void;
  /** Ends the view; what it drew stays. */
  finish(failed: boolean): void;
  readonly steps: () => readonly ShownStep[];
};

/** `--progress` */
export type ProgressKind = "plain" | "tty" | "quiet" | "rawjson";

/** Makes the view of a kind. What it shows goes to standard error, as an output may go to standard output. */
export async function createView(kind: ProgressKind, write: (text: string) => void): Promise<BuildView> {
  switch (kind) {
    case "plain":
      return (await import("./plain.ts")).createPlainView(write);
    case "tty":
      return (await import("./live.ts")).createLiveView(write);
    case "rawjson": {
      const { createSteps } = await import("./steps.ts");
      const steps = createSteps();
      return {
        steps: () => steps.all,
        take: (progress) => {
          steps.take(progress);
          write(`${JSON.stringify(progress)}\n`);
        },
        finish: () => {},
      };
    }
    case "quiet": {
      const { createSteps } = await import("./steps.ts");
      const steps = createSteps();
      return { steps: () => steps.all, take: (progress) => void steps.take(progress), finish: () => {} };
    }
  }
}
