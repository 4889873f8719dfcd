/**
 * File name patterns: Go's `filepath.Match` (`*` `?` `[a-z]` `[^a]` `\x`, none crossing "/") and, for ignore files and
 * `--exclude`, moby/patternmatcher's `**`. Matched by moving a set of states over the path, so that no pattern, however
 * hostile, costs more than its length times the path's.
 */
export type PathPattern = readonly PatternToken[];

type PatternToken =
  | { readonly kind: "text"; readonly char: string }
  | { readonly kind: "one" }
  | { readonly kind: "many" }
  /** Any text at all. */
  | { readonly kind: "deep" }
  /** Nothing, or any text that ends in "/": this token skips the next, which reads the text. */
  | { readonly kind: "maybe-folders" }
  | { readonly kind: "folders" }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] };

/** A pattern that has no meaning. */
export class PatternFault extends Error {}

/** Compiles a pattern. Throws `PatternFault` where Go says "syntax error in pattern". */
export function compilePattern(pattern: string, options: { readonly deep: boolean }): PathPattern {
  const chars = Array.from(pattern);
  const tokens: PatternToken[] = [];
  for (let index = 0; index < chars.length; index++) {
    const char = chars[index] ?? "";
    if (char === "*" && options.deep && chars[index + 1] === "*") {
      index++;
      // "**/" and "**" are one.
      if (chars[index + 1] === "/") index++;
      if (index + 1 >= chars.length) tokens.push({ kind: "deep" });
      else tokens.push({ kind: "maybe-folders" }, { kind: "folders" });
    } else if (char === "*") tokens.push({ kind: "many" });
    else if (char === "?") tokens.push({ kind: "one" });
    else if (char === "[") index = readClass(chars, index, tokens);
    else if (char === "\\") {
      const escaped = chars[++index];
      if (escaped === undefined) throw new PatternFault("syntax error in pattern");
      tokens.push({ kind: "text", char: escaped });
    } else tokens.push({ kind: "text", char });
  }
  return tokens;
}

function readClass(chars: readonly string[], start: number, tokens: PatternToken[]): number {
  let index = start + 1;
  const negated = chars[index] === "^";
  if (negated) index++;
  const ranges: [string, string][] = [];
  const endpoint = (): string => {
    let char = chars[index];
    if (char === undefined || char === "-" || char === "]") throw new PatternFault("syntax error in pattern");
    if (char === "\\") char = chars[++index];
    index++;
    if (char === undefined || index >= chars.length) throw new PatternFault("syntax error in pattern");
    return char;
  };
  while (chars[index] !== "]" || ranges.length === 0) {
    const low = endpoint();
    let high = low;
    if (chars[index] === "-") {
      index++;
      high = endpoint();
    }
    ranges.push([low, high]);
  }
  tokens.push({ kind: "class", negated, ranges });
  return index;
}

function accepts(token: PatternToken, char: string): boolean {
  switch (token.kind) {
    case "text":
      return token.char === char;
    case "one":
    case "many":
      return char !== "/";
    case "class": {
      const point = char.codePointAt(0) ?? 0;
      const inside = token.ranges.some(
        ([low, high]) => (low.codePointAt(0) ?? 0) <= point && point <= (high.codePointAt(0) ?? 0),
      );
      return inside !== token.negated && char !== "/";
    }
    case "deep":
    case "folders":
      return true;
    case "maybe-folders":
      break;
  }
  return false;
}

/** True when the pattern matches the whole path; with `orParent`, also when it matches one of the path's folders. */
export function matchesPattern(pattern: PathPattern, path: string, options?: { readonly orParent: boolean }): boolean {
  let states = closure(pattern, new Set([0]));
  let isFirst = true;
  for (const char of path) {
    if (char === "/" && options?.orParent === true && !isFirst && states.has(pattern.length)) return true;
    isFirst = false;
    const next = new Set<number>();
    for (const state of states) {
      const token = pattern[state];
      if (token === undefined || !accepts(token, char)) continue;
      const stays = token.kind === "many" || token.kind === "deep" || token.kind === "folders";
      if (stays) next.add(state);
      if (!stays || (token.kind === "folders" && char === "/")) next.add(state + 1);
    }
    if (next.size === 0) return false;
    states = closure(pattern, next);
  }
  return states.has(pattern.length);
}

function closure(pattern: PathPattern, states: Set<number>): Set<number> {
  for (const state of states) {
    const kind = pattern[state]?.kind;
    if (kind === "many" || kind === "deep") states.add(state + 1);
    if (kind === "maybe-folders") {
      states.add(state + 1);
      states.add(state + 2);
    }
  }
  return states;
}

/** True when a COPY source is a pattern and not a plain path. */
export function hasWildcards(path: string): boolean {
  return /^(?:\\.|[^\\*?[])*[*?[]/su.test(path);
}

/** Go's `filepath.Clean` on slashes. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push("..");
  }
  return (rooted ? "/" : "") + kept.join("/") || ".";
}
