import type { Digest } from "#base";
import type { BuildFailure, SourceRange } from "../contract.ts";

/** Notes on an error the exit code of the command that made a build fail; the server puts it into `errorDetail.code`. */
export function withExitCode<Failure extends Error>(error: Failure, exitCode: number): Failure & { exitCode: number } {
  return Object.assign(error, { exitCode });
}

/** Notes the image that a failed step's state was kept in. */
export function withFailedState(error: Error, debugImage: BuildFailure["debugImage"]): Error {
  return Object.assign(error, { debugImage });
}

type Noted = Error & { exitCode?: number; debugImage?: BuildFailure["debugImage"]; failure?: BuildFailure };

/** Notes on an error where in the Dockerfile it happened, once: the innermost place counts. */
export function withFailure(
  error: unknown,
  place: {
    readonly vertex: Digest;
    readonly source: SourceRange;
    readonly text: string;
    readonly command: string | undefined;
  },
): unknown {
  if (!(error instanceof Error) || (error as Noted).failure !== undefined) return error;
  const noted = error as Noted;
  const failure: BuildFailure = {
    vertex: place.vertex,
    source: place.source,
    excerpt: excerptOf(place.source, place.text),
    command: place.command,
    exitCode: noted.exitCode,
    debugImage: noted.debugImage,
  };
  return Object.assign(error, { failure });
}

/** The lines at fault with two on each side, numbered, marked as BuildKit's clients show them. */
export function excerptOf(source: SourceRange, text: string): string {
  const lines = text.split("\n");
  const first = Math.max(1, source.startLine - 2);
  const last = Math.min(lines.length, source.endLine + 2);
  const rule = "-".repeat(20);
  const shown = lines.slice(first - 1, last).map((line, index) => {
    const number = first + index;
    const mark = number >= source.startLine && number <= source.endLine ? ">>>" : "   ";
    return `${String(number).padStart(4)} | ${mark} ${line}`.trimEnd();
  });
  return [`${source.file}:${source.startLine}`, rule, ...shown, rule, ""].join("\n");
}
