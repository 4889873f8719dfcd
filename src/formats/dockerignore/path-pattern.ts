import { patternErrors } from "./errors.ts";

/**
 * A file name pattern: Go's `filepath.Match` (`*` `?` `[a-z]` `[^a]` `\x`, none crossing "/") and, for ignore files and
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

/**
 * Compiles a pattern. Throws `pattern-malformed` where Go says "syntax error in pattern".
 * @param options.deep whether `**` spans folders
 * @param options.place where the pattern stands, for the message: a file or an option
 */
export function compilePattern(
  pattern: string,
  options: { readonly deep: boolean; readonly place: string },
): PathPattern {
  const malformed = () => patternErrors["pattern-malformed"](options.place, pattern);
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
    else if (char === "[") index = readClass(chars, index, tokens, malformed);
    else if (char === "\\") {
      const escaped = chars[++index];
      if (escaped === undefined) throw malformed();
      tokens.push({ kind: "text", char: escaped });
    } else tokens.push({ kind: "text", char });
  }
  return tokens;
}

function readClass(chars: readonly string[], start: number, tokens: PatternToken[], malformed: () => Error): number {
  let index = start + 1;
  const negated = chars[index] === "^";
  if (negated) index++;
  const ranges: [string, string][] = [];
  const endpoint = (): string => {
    let char = chars[index];
    if (char === undefined || char === "-" || char === "]") throw malformed();
    if (char === "\\") char = chars[++index];
    index++;
    if (char === undefined || index >= chars.length) throw malformed();
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
  // For each state the step it was last entered at: a set that is emptied by counting on.
  const enteredAt = new Int32Array(pattern.length + 1).fill(-1);
  let states: number[] = [];
  enter(pattern, states, enteredAt, 0, 0);
  let step = 0;
  for (const char of path) {
    if (char === "/" && step > 0 && options?.orParent === true && enteredAt[pattern.length] === step) return true;
    step++;
    const next: number[] = [];
    for (const state of states) {
      const token = pattern[state];
      if (token === undefined || !accepts(token, char)) continue;
      const stays = token.kind === "many" || token.kind === "deep" || token.kind === "folders";
      if (stays) enter(pattern, next, enteredAt, state, step);
      if (!stays || (token.kind === "folders" && char === "/")) enter(pattern, next, enteredAt, state + 1, step);
    }
    if (next.length === 0) return false;
    states = next;
  }
  return enteredAt[pattern.length] === step;
}

/** Adds a state, and those that are reached from it without reading. */
function enter(pattern: PathPattern, states: number[], enteredAt: Int32Array, first: number, step: number): void {
  for (let state = first; enteredAt[state] !== step; state++) {
    enteredAt[state] = step;
    states.push(state);
    const kind = pattern[state]?.kind;
    if (kind === "maybe-folders") enter(pattern, states, enteredAt, state + 2, step);
    else if (kind !== "many" && kind !== "deep") return;
  }
}

/** True when a COPY source is a pattern and not a plain path. */
export function hasWildcards(path: string): boolean {
  return /^(?:\\.|[^\\*?[])*[*?[]/su.test(path);
}
