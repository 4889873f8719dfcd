import { cleanPath } from "./clean-path.ts";
import { compilePattern } from "./compile-pattern.ts";
import { ignoreErrors } from "./errors.ts";

/** Decides which paths of a build context stay behind. Paths are relative, with `/` between segments. */
export type IgnoreMatcher = {
  /** True when the last pattern that matches `path`, or one of its parents, is not an exception. */
  ignores(path: string): boolean;
  /** True when an exception may match something below the ignored directory `path`, so it must be walked. */
  mayKeepBelow(path: string): boolean;
};

type Pattern = {
  readonly isException: boolean;
  readonly matches: (path: string) => boolean;
  /** The segments before the first wildcard. */
  readonly literalSegments: readonly string[];
  readonly isLiteral: boolean;
};

function readPattern(text: string): Pattern | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  const clean = cleanPath(trimmed);
  const isException = clean.startsWith("!");
  if (clean === "!") throw ignoreErrors["ignore-pattern-empty-exception"]();
  const pattern = isException ? clean.slice(1) : clean;
  const segments = pattern.split("/");
  const firstWildcard = segments.findIndex((segment) => /[*?[\\]/.test(segment));
  return {
    isException,
    matches: compilePattern(pattern),
    literalSegments: firstWildcard < 0 ? segments : segments.slice(0, firstWildcard),
    isLiteral: firstWildcard < 0,
  };
}

function parentsOf(path: string): string[] {
  const slash = path.lastIndexOf("/");
  const parent = slash < 0 ? "." : cleanPath(path.slice(0, slash + 1));
  if (parent === ".") return [];
  const segments = parent.split("/");
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}

/**
 * Builds a matcher from patterns as `parseIgnoreFile` returns them, with the semantics of Docker's builders
 * (moby/patternmatcher, `MatchesOrParentMatches`). Throws a clear error for a malformed pattern.
 */
export function createIgnoreMatcher(patterns: readonly string[]): IgnoreMatcher {
  const compiled = patterns.map(readPattern).filter((pattern) => pattern !== undefined);
  const exceptions = compiled.filter((pattern) => pattern.isException);
  return {
    ignores(path) {
      const parents = parentsOf(path);
      let ignored = false;
      for (const pattern of compiled) {
        // A pattern can only change the answer: inclusions matter while kept, exceptions while ignored.
        if (pattern.isException !== ignored) continue;
        if (pattern.matches(path) || parents.some(pattern.matches)) ignored = !pattern.isException;
      }
      return ignored;
    },
    mayKeepBelow(path) {
      const segments = path.split("/");
      return exceptions.some(({ literalSegments, isLiteral }) => {
        const shared = Math.min(segments.length, literalSegments.length);
        for (let index = 0; index < shared; index++) if (segments[index] !== literalSegments[index]) return false;
        return !isLiteral || literalSegments.length > segments.length;
      });
    },
  };
}
