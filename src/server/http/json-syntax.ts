/** What is wrong with a text that is no JSON document, in the words of Go's encoding/json, which clients know. */
export function jsonSyntaxError(text: string): string {
  const end = scanValue(text);
  if (typeof end === "string") return end;
  return "unexpected content after JSON";
}

type Expected = "end" | "value" | "first-element" | "first-key" | "key" | "colon" | "after-pair" | "after-element";

const literals = ["true", "false", "null"] as const;

/** Where the first value ends, or what is wrong with it. Not recursive: the text may nest as deep as it likes. */
function scanValue(text: string): number | string {
  const open: ("object" | "array")[] = [];
  let expected: Expected = "value";
  let at = 0;
  const afterValue = (): Expected => {
    const container = open.at(-1);
    if (container === undefined) return "end";
    return container === "object" ? "after-pair" : "after-element";
  };
  for (;;) {
    while (at < text.length && " \t\r\n".includes(text[at] ?? "")) at++;
    const character = text[at];
    if (character === undefined) return "unexpected EOF";
    const closes =
      (character === "}" && (expected === "first-key" || expected === "after-pair")) ||
      (character === "]" && (expected === "first-element" || expected === "after-element"));
    if (closes) {
      at++;
      open.pop();
      expected = afterValue();
      if (open.length === 0) return at;
      continue;
    }
    switch (expected) {
      case "first-key":
      case "key": {
        if (character !== '"') return invalid(character, "looking for beginning of object key string");
        const end = scanString(text, at);
        if (typeof end === "string") return end;
        at = end;
        expected = "colon";
        continue;
      }
      case "colon":
        if (character !== ":") return invalid(character, "after object key");
        at++;
        expected = "value";
        continue;
      case "after-pair":
      case "after-element":
        if (character !== ",")
          return invalid(character, expected === "after-pair" ? "after object key:value pair" : "after array element");
        at++;
        expected = expected === "after-pair" ? "key" : "value";
        continue;
      case "end":
        return at;
      case "value":
      case "first-element": {
        if (character === "{" || character === "[") {
          open.push(character === "{" ? "object" : "array");
          expected = character === "{" ? "first-key" : "first-element";
          at++;
          continue;
        }
        const end = scanScalar(text, at, character);
        if (typeof end === "string") return end;
        at = end;
        expected = afterValue();
        if (open.length === 0) return at;
      }
    }
  }
}

function scanScalar(text: string, from: number, character: string): number | string {
  if (character === '"') return scanString(text, from);
  const literal = literals.find((word) => word.startsWith(character));
  if (literal !== undefined) return scanLiteral(text, from, literal);
  if (character === "-" || (character >= "0" && character <= "9")) return scanNumber(text, from);
  return invalid(character, "looking for beginning of value");
}

function scanLiteral(text: string, from: number, literal: string): number | string {
  for (let index = 1; index < literal.length; index++) {
    const character = text[from + index];
    if (character === undefined) return "unexpected EOF";
    if (character !== literal[index])
      return invalid(character, `in literal ${literal} (expecting ${quoted(literal[index] ?? "")})`);
  }
  return from + literal.length;
}

function scanString(text: string, from: number): number | string {
  for (let at = from + 1; ; at++) {
    const character = text[at];
    if (character === undefined) return "unexpected EOF";
    if (character === '"') return at + 1;
    if (character < " ") return invalid(character, "in string literal");
    if (character !== "\\") continue;
    const escape = text[++at];
    if (escape === undefined) return "unexpected EOF";
    if (!'bfnrt\\/"u'.includes(escape)) return invalid(escape, "in string escape code");
    if (escape !== "u") continue;
    for (let digit = 0; digit < 4; digit++) {
      const hex = text[++at];
      if (hex === undefined) return "unexpected EOF";
      if (!/[0-9a-fA-F]/.test(hex)) return invalid(hex, String.raw`in \u hexadecimal character escape`);
    }
  }
}

function scanNumber(text: string, from: number): number | string {
  let at = from;
  const digits = (after: string): string | undefined => {
    const first = text[at];
    if (first === undefined) return "unexpected EOF";
    if (first < "0" || first > "9") return invalid(first, after);
    while ((text[at] ?? "") >= "0" && (text[at] ?? "") <= "9") at++;
    return undefined;
  };
  if (text[at] === "-") at++;
  if (text[at] === "0") at++;
  else {
    const wrong = digits("in numeric literal");
    if (wrong !== undefined) return wrong;
  }
  if (text[at] === ".") {
    at++;
    const wrong = digits("after decimal point in numeric literal");
    if (wrong !== undefined) return wrong;
  }
  if (text[at] === "e" || text[at] === "E") {
    at++;
    if (text[at] === "+" || text[at] === "-") at++;
    const wrong = digits("in exponent of numeric literal");
    if (wrong !== undefined) return wrong;
  }
  return at;
}

function invalid(character: string, where: string): string {
  return `invalid character ${quoted(character)} ${where}`;
}

/** A character between quotes, escaped as Go writes it. */
function quoted(character: string): string {
  if (character === "'") return String.raw`'\''`;
  if (character === '"') return `'"'`;
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
