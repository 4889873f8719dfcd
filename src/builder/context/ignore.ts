import { errors } from "../errors.ts";
import { cleanPath, compilePattern, matchesPattern, type PathPattern, PatternFault } from "./pattern.ts";

/** Decides which paths of a context are left out; the last rule that matches a path or one of its parents wins. */
export type IgnoreRules = {
  /** True when the path (relative, "/" between parts) is left out. */
  ignores(path: string): boolean;
  /** True when some rule begins with "!", so that something inside an ignored folder may be wanted. */
  readonly hasExceptions: boolean;
};

type Rule = { readonly exception: boolean; readonly pattern: PathPattern };

/** Rules that leave nothing out. */
export const noIgnoreRules: IgnoreRules = { ignores: () => false, hasExceptions: false };

/** The patterns of an ignore file: comments and blank lines dropped, each cleaned and without its leading slash. */
export function parseIgnoreFile(text: string): string[] {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const patterns: string[] = [];
  for (const line of source.split("\n")) {
    // Only a "#" in the first column begins a comment.
    if (line.startsWith("#")) continue;
    const trimmed = line.trim();
    if (trimmed === "") continue;
    const exception = trimmed.startsWith("!");
    let pattern = exception ? trimmed.slice(1).trim() : trimmed;
    if (pattern !== "") {
      pattern = cleanPath(pattern);
      if (pattern.length > 1 && pattern.startsWith("/")) pattern = pattern.slice(1);
    }
    patterns.push(exception ? `!${pattern}` : pattern);
  }
  return patterns;
}

/**
 * Compiles patterns with moby/patternmatcher's meaning (`MatchesOrParentMatches`).
 * @param file what the message names when a pattern has no meaning
 */
export function compileIgnoreRules(patterns: readonly string[], file = ".dockerignore"): IgnoreRules {
  const rules: Rule[] = [];
  for (const raw of patterns) {
    const trimmed = raw.trim();
    if (trimmed === "") continue;
    const cleaned = cleanPath(trimmed);
    const exception = cleaned.startsWith("!");
    const text = exception ? cleaned.slice(1) : cleaned;
    if (text === "") throw errors["build-ignore-pattern"](file, raw, 'illegal exclusion pattern: "!"');
    try {
      rules.push({ exception, pattern: compilePattern(text, { deep: true }) });
    } catch (error) {
      if (error instanceof PatternFault) throw errors["build-ignore-pattern"](file, raw, error.message);
      throw error;
    }
  }
  if (rules.length === 0) return noIgnoreRules;
  return {
    hasExceptions: rules.some((rule) => rule.exception),
    ignores: (path) => {
      let ignored = false;
      for (const rule of rules) {
        if (rule.exception !== ignored) continue;
        if (matchesPattern(rule.pattern, path, { orParent: true })) ignored = !rule.exception;
      }
      return ignored;
    },
  };
}
