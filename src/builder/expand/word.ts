import { errors } from "../errors.ts";
import { type Glob, matchEnds, parseGlob } from "./glob.ts";

/** Variables by name. */
export type Variables = ReadonlyMap<string, string>;

export type ExpandOptions = {
  /** The Dockerfile's escape character. @default "\\" */
  readonly escape?: string;
  /** Keep quotes in the result. @default false */
  readonly rawQuotes?: boolean;
  /** Keep escape characters in the result. @default false */
  readonly rawEscapes?: boolean;
  /** Treat quotes as ordinary characters (here-document bodies). @default false */
  readonly ignoreQuotes?: boolean;
  /** Leave `$name` as it stands when the variable is unset. @default false */
  readonly keepUnset?: boolean;
};

export type Expansion = {
  readonly text: string;
  /** The text split at unquoted white space, after substitution. */
  readonly words: readonly string[];
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
};

/** Expands variables, quotes and escapes of one Dockerfile word the way a POSIX shell would (XCU 2.6.2). */
export function expandWord(source: string, variables: Variables, options: ExpandOptions = {}): Expansion {
  const scanner = new WordScanner(source, variables, options);
  try {
    const { text, words } = scanner.readUntil(undefined, options.rawEscapes ?? false);
    return { text, words, matched: scanner.matched, unmatched: scanner.unmatched };
  } catch (error) {
    if (error instanceof SyntaxError) throw errors["build-expansion-failed"](source, error.message);
    throw error;
  }
}

class WordCollector {
  readonly words: string[] = [];
  #word = "";
  #inWord = false;

  char(char: string): void {
    if (!/\s/u.test(char)) this.raw(char);
    else if (this.#inWord && this.#word !== "") {
      this.words.push(this.#word);
      this.#word = "";
      this.#inWord = false;
    }
  }

  split(text: string): void {
    for (const char of text) this.char(char);
  }

  raw(text: string): void {
    this.#word += text;
    this.#inWord = true;
  }

  finish(): readonly string[] {
    if (this.#word !== "") this.words.push(this.#word);
    return this.words;
  }
}

const specialParameters = new Set("@*#?-$!0");

class WordScanner {
  readonly matched = new Set<string>();
  readonly unmatched = new Set<string>();
  readonly #chars: readonly string[];
  readonly #variables: Variables;
  readonly #escape: string;
  readonly #options: ExpandOptions;
  #position = 0;
  #rawEscapes = false;
  #depth = 0;

  constructor(source: string, variables: Variables, options: ExpandOptions) {
    this.#chars = Array.from(source);
    this.#variables = variables;
    this.#escape = options.escape ?? "\\";
    this.#options = options;
  }

  #peek(): string | undefined {
    return this.#chars[this.#position];
  }

  #next(): string | undefined {
    return this.#chars[this.#position++];
  }

  #get(name: string): string | undefined {
    const value = this.#variables.get(name);
    (value === undefined ? this.unmatched : this.matched).add(name);
    return value;
  }

  readUntil(stop: string | undefined, rawEscapes: boolean): { text: string; words: readonly string[] } {
    const outer = this.#rawEscapes;
    this.#rawEscapes = rawEscapes;
    try {
      return this.#read(stop);
    } finally {
      this.#rawEscapes = outer;
    }
  }

  #read(stop: string | undefined): { text: string; words: readonly string[] } {
    let text = "";
    const words = new WordCollector();
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === stop) {
        this.#next();
        return { text, words: words.finish() };
      }
      if (char === "$") {
        const value = this.#dollar();
        text += value;
        words.split(value);
      } else if (this.#options.ignoreQuotes !== true && (char === "'" || char === '"')) {
        const value = char === "'" ? this.#singleQuoted() : this.#doubleQuoted();
        text += value;
        words.raw(value);
      } else {
        this.#next();
        if (char !== this.#escape) {
          text += char;
          words.char(char);
          continue;
        }
        if (this.#rawEscapes) {
          text += char;
          words.raw(char);
        }
        const escaped = this.#next();
        if (escaped === undefined) break;
        text += escaped;
        words.raw(escaped);
      }
    }
    if (stop !== undefined) throw new SyntaxError(`unexpected end of statement while looking for matching ${stop}`);
    return { text, words: words.finish() };
  }

  #singleQuoted(): string {
    const quote = this.#options.rawQuotes === true ? "'" : "";
    this.#next();
    let text = "";
    for (;;) {
      const char = this.#next();
      if (char === undefined)
        throw new SyntaxError("unexpected end of statement while looking for matching single-quote");
      if (char === "'") return quote + text + quote;
      text += char;
    }
  }

  #doubleQuoted(): string {
    const quote = this.#options.rawQuotes === true ? '"' : "";
    this.#next();
    let text = "";
    for (;;) {
      const char = this.#peek();
      if (char === undefined)
        throw new SyntaxError("unexpected end of statement while looking for matching double-quote");
      if (char === "$") {
        text += this.#dollar();
        continue;
      }
      this.#next();
      if (char === '"') return quote + text + quote;
      if (char !== this.#escape) {
        text += char;
        continue;
      }
      if (this.#rawEscapes) text += char;
      const next = this.#peek();
      if (next === undefined) continue;
      // Inside double quotes only these can be escaped; any other backslash stays.
      if (next === '"' || next === "$" || next === this.#escape) text += this.#next();
      else text += char;
    }
  }

  #name(): string {
    const first = this.#peek();
    if (first === undefined) return "";
    let name = "";
    if (/\p{Nd}/u.test(first)) {
      while (/\p{Nd}/u.test(this.#peek() ?? "")) name += this.#next();
      return name;
    }
    if (specialParameters.has(first)) return this.#next() ?? "";
    while (/[\p{L}\p{Nd}_]/u.test(this.#peek() ?? "")) name += this.#next();
    return name;
  }

  #dollar(): string {
    this.#next();
    if (this.#peek() !== "{") {
      const name = this.#name();
      if (name === "") return "$";
      const value = this.#get(name);
      return value ?? (this.#options.keepUnset === true ? `$${name}` : "");
    }
    this.#next();
    // Substitutions nest; a bound keeps hostile input off the stack.
    if (++this.#depth > 100) throw new SyntaxError("substitutions are nested too deeply");
    try {
      return this.#braced();
    } finally {
      this.#depth--;
    }
  }

  #operand(stop: string, rawEscapes: boolean, missing: string): string {
    try {
      return this.readUntil(stop, rawEscapes).text;
    } catch (error) {
      if (this.#peek() === undefined) throw new SyntaxError(missing, { cause: error });
      throw error;
    }
  }

  #braced(): string {
    const first = this.#peek();
    if (first === undefined) throw new SyntaxError("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw new SyntaxError("syntax error: bad substitution");
    const name = this.#name();
    let modifier = this.#next();
    if (modifier === undefined) throw new SyntaxError("syntax error: missing '}'");
    let operator = modifier;
    if (modifier === "}") {
      const value = this.#get(name);
      return value ?? (this.#options.keepUnset === true ? `\${${name}}` : "");
    }
    if (modifier === "/") return this.#replace(name);
    const emptyIsUnset = modifier === ":";
    if (emptyIsUnset) {
      modifier = this.#next() ?? "";
      operator += modifier;
    }
    if (!["+", "-", "?", "#", "%"].includes(modifier) && !emptyIsUnset) {
      throw new SyntaxError(`unsupported modifier (${operator}) in substitution`);
    }
    const isTrim = modifier === "#" || modifier === "%";
    const word = this.#operand("}", isTrim, "syntax error: missing '}'");
    if (!["+", "-", "?"].includes(modifier) && (emptyIsUnset || !isTrim)) {
      throw new SyntaxError(`unsupported modifier (${operator}) in substitution`);
    }
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}${operator}${word}}`;
    const isUnset = value === undefined || (emptyIsUnset && value === "");
    if (modifier === "-") return isUnset ? word : value;
    if (modifier === "+") return isUnset ? "" : word;
    if (modifier === "?") {
      if (!isUnset) return value;
      const reason = value === undefined ? "is not allowed to be unset" : "is not allowed to be empty";
      throw new SyntaxError(`${name}: ${word === "" ? reason : word}`);
    }
    return trim(value ?? "", word, modifier === "#" ? "prefix" : "suffix");
  }

  #replace(name: string): string {
    const replacesAll = this.#peek() === "/";
    if (replacesAll) this.#next();
    const pattern = this.#operand("/", true, "syntax error: missing '/' in ${}");
    const replacement = this.#operand("}", true, "syntax error: missing '}'");
    const value = this.#get(name);
    if (value === undefined && this.#options.keepUnset === true) return `\${${name}/${pattern}/${replacement}}`;
    return replace(value ?? "", compile(pattern), replacement, replacesAll);
  }
}

function compile(pattern: string): Glob {
  const glob = parseGlob(pattern);
  if ("badEscape" in glob) {
    throw new SyntaxError(`invalid pattern (${pattern}) in substitution: invalid escape '${glob.badEscape}'`);
  }
  return glob;
}

function trim(value: string, word: string, side: "prefix" | "suffix"): string {
  const mark = side === "prefix" ? "#" : "%";
  const longest = word.startsWith(mark);
  const glob = compile(longest ? word.slice(1) : word);
  const chars = Array.from(value);
  if (side === "prefix") {
    const ends = matchEnds(glob, chars, 0);
    const end = longest ? ends.at(-1) : ends[0];
    return end === undefined ? value : chars.slice(end).join("");
  }
  const starts = longest ? chars.keys() : [...chars.keys(), chars.length].reverse();
  for (const start of starts) {
    if (matchEnds(glob, chars, start).at(-1) === chars.length) return chars.slice(0, start).join("");
  }
  return value;
}

function replace(value: string, glob: Glob, replacement: string, all: boolean): string {
  const chars = Array.from(value);
  let text = "";
  for (let position = 0; position <= chars.length;) {
    const end = matchEnds(glob, chars, position).at(-1);
    if (end === undefined) {
      text += chars[position++] ?? "";
      continue;
    }
    text += replacement;
    if (end === position) text += chars[position++] ?? "";
    else position = end;
    if (!all) return text + chars.slice(position).join("");
  }
  return text;
}
