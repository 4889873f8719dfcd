import { writeFileSync } from "node:fs";
import { EngineError, type ErrorKind } from "#base";
import type { BuildAnswer, BuildStepDocument } from "#formats";
import { withExitCode } from "../exit-code.ts";
import { printable, printableLine, printableOutput } from "../output/printable.ts";
import { tabulate } from "../output/tabulate.ts";
import { writeText } from "../output/write.ts";
import { cliErrors } from "../errors.ts";
import type { Call } from "./call.ts";
import type { ShownStep } from "./progress/steps.ts";

const tailLines = 20;

/** Says how a build failed: what the failed step printed last, the Dockerfile's lines, the sentence. */
export function buildFailure(
  error: NonNullable<BuildAnswer["error"]>,
  steps: readonly ShownStep[],
  showsOutput: boolean,
): Error {
  const failed = steps.findLast((step) => step.error !== undefined && step.lines.length > 0);
  if (failed !== undefined && showsOutput) {
    const lines = failed.lines
      .slice(-tailLines)
      .map(({ at, text }) => `${((at - (failed.started ?? at)) / 1000).toFixed(3)} ${printableOutput(text, false)}\n`);
    writeText(2, `------\n > ${printableLine(failed.name)}:\n${lines.join("")}------\n`);
  }
  const { failure } = error;
  if (failure?.excerpt !== undefined) writeText(2, `${printable(failure.excerpt).trimEnd()}\n`);
  const thrown = new EngineError(error.kind as ErrorKind, error.code, `failed to build: ${error.message}`, {
    hint: error.hint,
  });
  return withExitCode(thrown, failure?.exitCode || 1);
}

/** `--explain`: for each step whether the cache had it, and why not. */
export function explain(steps: readonly BuildStepDocument[]): void {
  const words: Readonly<Record<string, string>> = {
    hit: "cached",
    miss: "done",
    shared: "shared",
    imported: "imported",
    config: "settings",
  };
  const rows = steps.map((step) => [
    words[step.outcome] ?? step.outcome,
    step.milliseconds < 1 ? "0ms" : `${Math.round(step.milliseconds)}ms`,
    printableLine(step.name),
    printableLine(step.reason),
  ]);
  writeText(1, tabulate([["CACHE", "TIME", "STEP", "WHY"], ...rows].map((row) => `${row.join("\t")}\n`).join("")));
}

/** Prints the answer to `--call`; returns the exit status. */
export function showAnswer(call: Call, result: NonNullable<BuildAnswer["result"]>): number {
  const { answer, warnings } = result;
  if (answer === undefined) throw cliErrors["bad-option"]("the daemon does not answer questions about Dockerfiles");
  const status = call.ignoresStatus ? 0 : answer.status;
  if (call.format === "json") {
    writeText(1, `${answer.json}\n`);
    return status;
  }
  if (call.request === "frontend.lint" && (warnings.length > 0 || answer.status === 0)) {
    const some = warnings.length === 1 ? "1 warning has" : `${warnings.length} warnings have`;
    writeText(
      1,
      warnings.length === 0 ? "Check complete, no warnings found.\n" : `Check complete, ${some} been found!\n`,
    );
  }
  writeText(1, printable(answer.text));
  return status;
}

/** `--metadata-file`: what the outputs said, with documents that came as base64 in readable form. */
export function writeMetadata(path: string, reference: string, exported: Readonly<Record<string, string>>): void {
  const metadata: Record<string, unknown> = { "buildx.build.ref": `default/default/${reference}` };
  for (const [name, value] of Object.entries(exported)) {
    let shown: unknown = value;
    if (name.endsWith(".descriptor")) {
      try {
        shown = JSON.parse(Buffer.from(value, "base64").toString("utf8"));
      } catch {
        // No document: the text as it is.
      }
    }
    metadata[name] = shown;
  }
  writeFileSync(path, `${JSON.stringify(metadata, undefined, 2)}\n`);
}
