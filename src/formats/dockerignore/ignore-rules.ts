import { cleanPath } from "./clean-path.ts";
import { patternErrors } from "./errors.ts";
import { compilePattern, matchesPattern, type PathPattern } from "./path-pattern.ts";

/** Decides which paths of a context stay behind; the last rule that matches a path or one of its parents wins. */
export type IgnoreRules = {
  /** True when the path (relative, "/" between parts) stays behind. */
  ignores(path: string): boolean;
  /** True when an exception may match something below the ignored folder `path`, so it must be walked. */
  mayKeepBelow(path: string): boolean;
};

type Rule = {
  readonly isException: boolean;
  readonly pattern: PathPattern;
  /** The parts before the first with a wildcard. */
  readonly literalParts: readonly string[];
  readonly isLiteral: boolean;
};

/** Rules that leave nothing out. */
export const noIgnoreRules: IgnoreRules = { ignores: () => false, mayKeepBelow: () => false };

/**
 * Compiles patterns, as `parseIgnoreFile` returns them, with the meaning of Docker's builders (moby/patternmatcher,
 * `MatchesOrParentMatches`). Throws a clear error for one without meaning; no pattern makes matching slow.
 * @param place what that error names: the file or the option the patterns come from
 */
export function compileIgnoreRules(patterns: readonly string[], place = ".dockerignore"): IgnoreRules {
  const rules = patterns.filter((text) => text.trim() !== "").map((text) => readRule(text.trim(), place));
  if (rules.length === 0) return noIgnoreRules;
  const exceptions = rules.filter((rule) => rule.isException);
  return {
    ignores: (path) => {
      let ignored = false;
      for (const rule of rules) {
        // A rule can only change the answer: others matter while a path is kept, exceptions while it is not.
        if (rule.isException !== ignored) continue;
        if (matchesPattern(rule.pattern, path, { orParent: true })) ignored = !rule.isException;
      }
      return ignored;
    },
    mayKeepBelow: (path) => {
      const parts = path.split("/");
      return exceptions.some(
        ({ literalParts, isLiteral }) =>
          (!isLiteral || literalParts.length > parts.length) &&
          literalParts.every((part, index) => index >= parts.length || part === parts[index]),
      );
    },
  };
}

function readRule(text: string, place: string): Rule {
  const cleaned = cleanPath(text);
  const isException = cleaned.startsWith("!");
  const pattern = isException ? cleaned.slice(1) : cleaned;
  if (pattern === "") throw patternErrors["pattern-empty-exception"](place);
  const parts = pattern.split("/");
  const firstWildcard = parts.findIndex((part) => /[*?[\\]/.test(part));
  return {
    isException,
    pattern: compilePattern(pattern, { deep: true, place }),
    literalParts: firstWildcard < 0 ? parts : parts.slice(0, firstWildcard),
    isLiteral: firstWildcard < 0,
  };
}
