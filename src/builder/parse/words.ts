import { SyntaxFault } from "./fault.ts";

/** White space between the words of an instruction; quotes mean nothing to it. */
export const separators = /[\t\v\f\r ]+/;

/** Words as ENV, LABEL and ARG read them: quotes and escapes protect white space and stay until expansion. */
export function parseWords(text: string, escape: string): string[] {
  const words: string[] = [];
  const chars = Array.from(text);
  let word = "";
  let phase: "spaces" | "word" | "quote" = "spaces";
  let quote = "";
  let isBlankWord = false;
  const push = () => {
    if (isBlankWord || word !== "") words.push(word);
    word = "";
    isBlankWord = false;
  };
  for (let index = 0; index < chars.length; index++) {
    let char = chars[index] ?? "";
    if (phase === "spaces") {
      if (/\s/u.test(char)) continue;
      phase = "word";
    }
    if (phase === "word") {
      if (/\s/u.test(char)) {
        phase = "spaces";
        push();
        continue;
      }
      if (char === "'" || char === '"') {
        quote = char;
        isBlankWord = true;
        phase = "quote";
      }
    } else if (char === quote) {
      phase = "word";
    }
    // Within single quotes nothing can be escaped.
    if (char === escape && (phase === "word" || quote !== "'")) {
      if (index + 1 === chars.length) break;
      word += char;
      char = chars[++index] ?? "";
    }
    word += char;
  }
  push();
  return words;
}

/** An array of strings; undefined when the text is no JSON array at all, a fault when some element is no string. */
export function parseJsonArray(text: string): string[] | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith("[")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch {
    return undefined; // Then it is shell form, as Docker has it.
  }
  if (!Array.isArray(value)) return undefined;
  const elements = value as readonly unknown[];
  if (!elements.every((element) => typeof element === "string")) {
    throw new SyntaxFault("when using JSON array syntax, arrays must be comprised of strings only");
  }
  return elements.slice();
}

/** The triples name, value, separator of ENV and LABEL; the separator is "" in the old `ENV name value` form. */
export function parseNameValues(text: string, keyword: string, escape: string): string[] {
  const words = parseWords(text, escape);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.includes("=")) {
    const match = /^([^\t\v\f\r ]*)[\t\v\f\r ]+(.*)$/su.exec(text);
    if (match === null) throw new SyntaxFault(`${keyword} must have two arguments`);
    return [match[1] ?? "", match[2] ?? "", ""];
  }
  return words.flatMap((word) => {
    const at = word.indexOf("=");
    if (at === -1) {
      throw new SyntaxFault(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    }
    return [word.slice(0, at), word.slice(at + 1), "="];
  });
}

/** Takes the leading `--flag` words off an instruction's arguments; `--` ends them. */
export function splitFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let position = 0;
  for (;;) {
    while (/\s/u.test(text[position] ?? "")) position++;
    if (!text.startsWith("--", position)) return { flags, rest: text.slice(position) };
    let word = "";
    let quote = "";
    for (; position < text.length; position++) {
      const char = text[position] ?? "";
      if (quote === "" && /\s/u.test(char)) break;
      if (quote === "" && (char === "'" || char === '"')) quote = char;
      else if (char === quote) quote = "";
      else if (char === "\\") word += text[++position] ?? "";
      else word += char;
    }
    if (word === "--") return { flags, rest: text.slice(position) };
    flags.push(word);
  }
}
