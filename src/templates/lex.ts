/** What a token is; the names are those of Go's text/template/parse. */
export type TokenKind =
  | "error"
  | "eof"
  | "text"
  | "leftDelimiter"
  | "rightDelimiter"
  | "space"
  | "assign"
  | "declare"
  | "pipe"
  | "string"
  | "rawString"
  | "charConstant"
  | "number"
  | "bool"
  | "variable"
  | "field"
  | "identifier"
  | "leftParen"
  | "rightParen"
  | "char"
  | "dot"
  | "nil"
  | "keyword";

export type Token = { readonly kind: TokenKind; readonly text: string; readonly position: number };

const keywords = new Set(["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"]);
const space = /[ \t\r\n]/;
const wordCharacter = /[\p{L}\p{Nd}_]/u;

/** `U+007D '}'`, Go's `%#U`. */
function nameOf(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character) ? `U+${code} '${character}'` : `U+${code}`;
}

/**
 * Splits a template into tokens, by the rules of Go's lexer (text/template/parse/lex.go). What cannot be read ends the
 * list as an error token that holds Go's sentence.
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const add = (kind: TokenKind, end: number) => {
    tokens.push({ kind, text: source.slice(at, end), position: at });
    at = end;
  };
  const fail = (sentence: string) => {
    tokens.push({ kind: "error", text: sentence, position: at });
    return tokens;
  };
  const isTrimAt = (position: number) => source[position] === "-" && space.test(source[position + 1] ?? "");
  const closes = (position: number) => {
    if (source.startsWith("}}", position)) return 2;
    // " -}}" trims what follows; the space before the dash belongs to it.
    return space.test(source[position] ?? "") && source.startsWith("-}}", position + 1) ? 4 : 0;
  };
  const isTerminator = (position: number) =>
    position >= source.length || /[ \t\r\n.,|:()]/.test(source[position] ?? "") || source.startsWith("}}", position);
  const wordEnd = (start: number) => {
    let end = start;
    while (end < source.length && wordCharacter.test(String.fromCodePoint(source.codePointAt(end) ?? 0))) {
      end += (source.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
    }
    return end;
  };
  let trimsNext = false;

  while (at < source.length) {
    // Text up to the next action.
    const open = source.indexOf("{{", at);
    let text = source.slice(at, open < 0 ? source.length : open);
    const start = at;
    if (trimsNext) text = text.replace(/^[ \t\r\n]+/, "");
    trimsNext = false;
    const trimsBefore = open >= 0 && isTrimAt(open + 2);
    if (trimsBefore) text = text.replace(/[ \t\r\n]+$/, "");
    if (text !== "") tokens.push({ kind: "text", text, position: start });
    if (open < 0) break;
    at = open;
    const afterTrim = open + 2 + (trimsBefore ? 2 : 0);
    if (source.startsWith("/*", afterTrim)) {
      const end = source.indexOf("*/", afterTrim);
      if (end < 0) return fail("unclosed comment");
      const close = closes(end + 2);
      if (close === 0) return fail("comment ends before closing delimiter");
      trimsNext = close === 4;
      at = end + 2 + close;
      continue;
    }
    tokens.push({ kind: "leftDelimiter", text: "{{", position: open });
    at = afterTrim;
    let depth = 0;
    for (;;) {
      const close = closes(at);
      if (close > 0) {
        if (depth > 0) return fail("unclosed left paren");
        trimsNext = close === 4;
        tokens.push({ kind: "rightDelimiter", text: "}}", position: at });
        at += close;
        break;
      }
      const character = source[at];
      if (character === undefined) return fail("unclosed action");
      if (space.test(character)) {
        let end = at;
        while (space.test(source[end] ?? "") && closes(end) !== 4) end++;
        add("space", end);
        continue;
      }
      if (character === "=") add("assign", at + 1);
      else if (character === ":") {
        if (source[at + 1] !== "=") return fail("expected :=");
        add("declare", at + 2);
      } else if (character === "|") add("pipe", at + 1);
      else if (character === '"') {
        const match = /^"(?:[^"\\\n]|\\[^\n])*"/.exec(source.slice(at));
        if (match === null) return fail("unterminated quoted string");
        add("string", at + match[0].length);
      } else if (character === "`") {
        const end = source.indexOf("`", at + 1);
        if (end < 0) return fail("unterminated raw quoted string");
        add("rawString", end + 1);
      } else if (character === "'") {
        const match = /^'(?:[^'\\\n]|\\[^\n])*'/.exec(source.slice(at));
        if (match === null) return fail("unterminated character constant");
        add("charConstant", at + match[0].length);
      } else if (character === "$" || (character === "." && !/\d/.test(source[at + 1] ?? ""))) {
        const end = wordEnd(at + 1);
        if (!isTerminator(end))
          return fail(`bad character ${nameOf(source.slice(end, end + 2))}`.replace(/'(.)[^']*'$/u, "'$1'"));
        if (end === at + 1) add(character === "$" ? "variable" : "dot", end);
        else add(character === "$" ? "variable" : "field", end);
      } else if (/[+\-.\d]/.test(character)) {
        const match = /^[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?[\d_]+)?)/.exec(
          source.slice(at),
        );
        const end = at + (match?.[0].length ?? 0);
        if (wordCharacter.test(source[end] ?? "") || !/\d/.test(match?.[0] ?? "")) {
          return fail(`bad number syntax: ${JSON.stringify(source.slice(at, end + 1))}`);
        }
        add("number", end);
      } else if (wordCharacter.test(String.fromCodePoint(source.codePointAt(at) ?? 0))) {
        const end = wordEnd(at);
        if (!isTerminator(end)) return fail(`bad character ${nameOf(source[end] ?? "")}`);
        const word = source.slice(at, end);
        add(
          keywords.has(word)
            ? "keyword"
            : word === "nil"
              ? "nil"
              : word === "true" || word === "false"
                ? "bool"
                : "identifier",
          end,
        );
      } else if (character === "(") {
        depth++;
        add("leftParen", at + 1);
      } else if (character === ")") {
        depth--;
        if (depth < 0) return fail("unexpected right paren");
        add("rightParen", at + 1);
      } else if (character > " " && character <= "~") add("char", at + 1);
      else return fail(`unrecognized character in action: ${nameOf(character)}`);
    }
  }
  at = source.length;
  tokens.push({ kind: "eof", text: "", position: at });
  return tokens;
}
