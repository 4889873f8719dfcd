import { cleanPath } from "./clean-path.ts";

/**
 * Reads a `.dockerignore` file: one pattern a line, comments (`#` in the first column) and blank lines dropped,
 * paths cleaned and made relative to the context. Exceptions keep their leading `!`.
 */
export function parseIgnoreFile(text: string): string[] {
  const patterns: string[] = [];
  for (const line of text.replace(/^\u{feff}/u, "").split("\n")) {
    if (line.startsWith("#")) continue;
    const trimmed = line.trim();
    if (trimmed === "") continue;
    const isException = trimmed.startsWith("!");
    let pattern = isException ? trimmed.slice(1).trim() : trimmed;
    if (pattern !== "") {
      pattern = cleanPath(pattern);
      if (pattern.length > 1 && pattern.startsWith("/")) pattern = pattern.slice(1);
    }
    patterns.push(isException ? `!${pattern}` : pattern);
  }
  return patterns;
}
