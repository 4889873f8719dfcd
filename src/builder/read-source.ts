import { digestOf, EngineError } from "#base";
import type { OpenContext } from "./context/open-context.ts";
import type { BuildEvent, BuildRequest, BuildWarning } from "./contract.ts";
import { errors } from "./errors.ts";
import { createLinter, type Linter } from "./lint/linter.ts";
import { parseCheckOptions } from "./lint/options.ts";
import { type Dockerfile, parseDockerfile } from "./parse/dockerfile.ts";
import { checkFrontend } from "./parse/frontend.ts";
import { withFailure } from "./run/failure.ts";
import type { Reporter } from "./run/reporter.ts";

/** A Dockerfile, read. */
export type Source = { readonly dockerfile: Dockerfile; readonly text: string; readonly linter: Linter };

/** Parses the Dockerfile; what the checks find is told at once, also when the parsing fails. */
export function readSource(
  request: BuildRequest,
  context: OpenContext,
  output: (event: BuildEvent) => void,
  warnings: BuildWarning[],
  reporter: Reporter,
): Source {
  const { name, text } = context.dockerfile;
  const vertex = digestOf(`dockerfile ${request.reference ?? ""} ${name}`);
  reporter.announce({ digest: vertex, name: `[internal] load build definition from ${name}` });
  reporter.start(vertex);
  let linter = createLinter(name, parseCheckOptions(""));
  const tell = (finding: Linter["findings"][number]) => {
    const { rule, description, message, url, source } = finding;
    const warning: BuildWarning = { kind: "warning", vertex, rule, description, message, url, source };
    warnings.push(warning);
    output(warning);
  };
  try {
    // The classic builder never looked at the line.
    if (request.dialect === "buildkit") checkFrontend(text, name, request.buildArgs["BUILDKIT_SYNTAX"]);
    const dockerfile = parseDockerfile(text, name, (check) => {
      linter = createLinter(
        name,
        parseCheckOptions(request.buildArgs["BUILDKIT_DOCKERFILE_CHECK"] ?? check ?? ""),
        tell,
      );
      return linter;
    });
    reporter.complete(vertex);
    const say = (stream: string) => output({ kind: "classic", stream });
    for (const warning of dockerfile.warnings) say(`[WARNING]: ${warning}\n`);
    if (dockerfile.warnings.length > 0) {
      say("[WARNING]: Empty continuation lines will become errors in a future release.\n");
    }
    return { dockerfile, text, linter };
  } catch (failure) {
    const hasNoStage = failure instanceof EngineError && failure.code === "build-no-stage";
    const error = hasNoStage && request.dialect === "buildkit" ? errors["build-no-stages"]() : failure;
    reporter.complete(vertex, { error: error instanceof Error ? error.message : String(error) });
    const line = lineOf(error);
    const place = { file: name, startLine: line, endLine: line };
    throw withFailure(error, { vertex, source: place, text, command: undefined });
  }
}

/** The line an error of parsing or planning names. */
export function lineOf(error: unknown): number {
  const text = error instanceof Error ? error.message : "";
  return Number(/(?:on line |:)(\d+)(?: of [^:]+)?: /.exec(text)?.[1] ?? "1");
}
