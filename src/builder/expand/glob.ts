/**
 * The patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*` is any text, `?` one character, `\*` `\?` `\\` literal;
 * everything else stands for itself (BuildKit's subset of POSIX.1-2017 XCU 2.13, without brackets).
 */
export type Glob = readonly GlobToken[];
type GlobToken = { readonly kind: "any" } | { readonly kind: "one" } | { readonly kind: "text"; readonly char: string };

/** Parses a pattern; undefined and the offending escape when it holds one that has no meaning. */
export function parseGlob(pattern: string): Glob | { readonly badEscape: string } {
  const tokens: GlobToken[] = [];
  const chars = Array.from(pattern);
  for (let index = 0; index < chars.length; index++) {
    const char = chars[index] ?? "";
    if (char === "*") tokens.push({ kind: "any" });
    else if (char === "?") tokens.push({ kind: "one" });
    else if (char !== "\\") tokens.push({ kind: "text", char });
    else {
      const next = chars[index + 1] ?? "";
      // `}` and `/` are escaped for the substitution's sake; the escape is no part of the pattern.
      if (next === "}" || next === "/") continue;
      if (next !== "*" && next !== "?" && next !== "\\") return { badEscape: `\\${next}` };
      tokens.push({ kind: "text", char: next });
      index++;
    }
  }
  return tokens;
}

/**
 * Every end at which `glob` matches `value` starting at `start`, ascending. A set of states moves over the text, so the
 * cost is pattern × text whatever the pattern says.
 */
export function matchEnds(glob: Glob, value: readonly string[], start: number): number[] {
  let states = closure(glob, new Set([0]));
  const ends: number[] = [];
  for (let position = start; ; position++) {
    if (states.has(glob.length)) ends.push(position);
    const char = value[position];
    if (char === undefined || states.size === 0) return ends;
    const next = new Set<number>();
    for (const state of states) {
      const token = glob[state];
      if (token === undefined) continue;
      if (token.kind === "any") next.add(state);
      else if (token.kind === "one" || token.char === char) next.add(state + 1);
    }
    states = closure(glob, next);
  }
}

function closure(glob: Glob, states: Set<number>): Set<number> {
  for (const state of states) if (glob[state]?.kind === "any") states.add(state + 1);
  return states;
}
