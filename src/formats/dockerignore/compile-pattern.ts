import { ignoreErrors } from "./errors.ts";

function escapeLiteral(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** Reads one `[…]` class from the character after its bracket; the rules are Go's `filepath.Match`. */
function readClass(characters: readonly string[], start: number, pattern: string): { source: string; next: number } {
  let index = start;
  let source = "[";
  if (characters[index] === "^") {
    // A negated class never crosses a path separator.
    source += "^/";
    index++;
  }
  const readMember = (): string => {
    let character = characters[index];
    if (character === undefined || character === "-" || character === "]") {
      throw ignoreErrors["ignore-pattern-malformed"](pattern);
    }
    if (character === "\\") {
      index++;
      character = characters[index];
      if (character === undefined) throw ignoreErrors["ignore-pattern-malformed"](pattern);
    }
    index++;
    return character;
  };
  const escapeMember = (character: string) => (/[\\\]^-]/.test(character) ? `\\${character}` : character);
  for (let members = 0; ; members++) {
    if (characters[index] === "]" && members > 0) break;
    const low = readMember();
    if (characters[index] === "-") {
      index++;
      const high = readMember();
      // Go accepts an empty range that matches nothing; JavaScript refuses to compile it.
      if ((low.codePointAt(0) ?? 0) <= (high.codePointAt(0) ?? 0)) {
        source += `${escapeMember(low)}-${escapeMember(high)}`;
      }
    } else {
      source += escapeMember(low);
    }
  }
  return { source: source === "[" ? "(?!)" : `${source}]`, next: index + 1 };
}

/**
 * Compiles one cleaned pattern (without `!`) to a test of a whole path. `*` and `?` stay within a path segment,
 * `**` spans any number of them. Throws `ignore-pattern-malformed` where Go's `filepath.Match` would.
 */
export function compilePattern(pattern: string): (path: string) => boolean {
  const characters = Array.from(pattern);
  let source = "";
  for (let index = 0; index < characters.length;) {
    const character = characters[index] ?? "";
    if (character === "*" && characters[index + 1] === "*") {
      index += 2;
      const atStart = index === 2;
      if (characters[index] === "/") index++;
      if (index >= characters.length) source += ".*";
      // "**foo" at the start is a plain suffix; anywhere else "**" ends at a separator.
      else if (atStart && characters[2] !== "/") source += "(?:.*)";
      else source += "(?:.*/)?";
    } else if (character === "*") {
      source += "[^/]*";
      index++;
    } else if (character === "?") {
      source += "[^/]";
      index++;
    } else if (character === "\\") {
      const escaped = characters[index + 1];
      if (escaped === undefined) throw ignoreErrors["ignore-pattern-malformed"](pattern);
      source += escapeLiteral(escaped);
      index += 2;
    } else if (character === "[") {
      const { source: part, next } = readClass(characters, index + 1, pattern);
      source += part;
      index = next;
    } else {
      source += escapeLiteral(character);
      index++;
    }
  }
  const expression = new RegExp(`^${source}$`, "us");
  return (path) => expression.test(path);
}
