import { SyntaxFault } from "./fault.ts";

/** `# key=value` lines at the very top of a Dockerfile. */
export type Directives = {
  /** The escape and continuation character. */
  readonly escape: "\\" | "`";
  /** The image of `# syntax=`; the builder's own syntax is used whatever it names. */
  readonly syntax: string | undefined;
  /** The options of `# check=`. */
  readonly check: string | undefined;
  /** How many lines at the top are directives. */
  readonly lines: number;
};

const pattern = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const known = new Set(["escape", "syntax", "check"]);

/**
 * Reads the directives: the first line that is not a known one ends them for good, so a misspelt directive is a comment.
 * @param lines physical lines, without byte order mark
 */
export function parseDirectives(lines: readonly string[]): Directives {
  const found = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    const match = pattern.exec(line.trimStart());
    const key = match?.[1]?.toLowerCase();
    if (key === undefined || !known.has(key)) break;
    if (found.has(key)) throw new SyntaxFault(`only one ${key} parser directive can be used`, index + 1);
    const value = match?.[2] ?? "";
    if (key === "escape" && value !== "`" && value !== "\\") {
      throw new SyntaxFault(`invalid escape token '${value}' does not match \` or \\`, index + 1);
    }
    found.set(key, value);
  }
  return {
    escape: found.get("escape") === "`" ? "`" : "\\",
    syntax: found.get("syntax"),
    check: found.get("check"),
    lines: found.size,
  };
}

/** A directive found by `detectDirective`. */
export type DetectedDirective = {
  /** The first word of the value. */
  readonly reference: string;
  readonly value: string;
  /** Physical line, from 1; undefined for the JSON form, which has none. */
  readonly line: number | undefined;
};

/**
 * Finds `# key=value` before anything is known about the file's language: after a `#!` line too, and for `syntax` also as
 * `// syntax=…` or as a JSON object with that member.
 */
export function detectDirective(text: string, key: "syntax" | "check"): DetectedDirective | undefined {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const lines = source.split("\n");
  const skipped = lines[0]?.startsWith("#!") === true ? 1 : 0;
  const comments = key === "syntax" ? ["#", "//"] : ["#"];
  for (const comment of comments) {
    for (const [index, line] of lines.slice(skipped).entries()) {
      const rest = line.trimStart();
      const match = rest.startsWith(comment) ? pattern.exec(`#${rest.slice(comment.length)}`) : null;
      const name = match?.[1]?.toLowerCase();
      if (name === undefined || (comment === "#" && !known.has(name))) break;
      const value = match?.[2] ?? "";
      if (name === key) return { reference: value.split(/\s/)[0] ?? "", value, line: index + skipped + 1 };
    }
  }
  if (key !== "syntax") return undefined;
  try {
    const document: unknown = JSON.parse(source);
    if (typeof document !== "object" || document === null || !("syntax" in document)) return undefined;
    const value = document.syntax;
    return typeof value === "string" ? { reference: value.split(/\s/)[0] ?? "", value, line: undefined } : undefined;
  } catch {
    return undefined; // Not JSON: then it is a Dockerfile without the directive.
  }
}
