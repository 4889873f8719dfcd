import { expandWord } from "../expand/word.ts";
import { SyntaxFault } from "./fault.ts";

/** A here-document of RUN, COPY or ADD. */
export type Heredoc = {
  /** The delimiter; for COPY also the file's name. */
  readonly name: string;
  readonly content: string;
  /** False when any part of the delimiter was quoted: then nothing in the body is expanded. */
  readonly expand: boolean;
  readonly fileDescriptor: number;
  /** `<<-`: leading tabs of the body and of the terminator do not count. */
  readonly chomp: boolean;
};

const form = /^(\d*)<<(-?)\s*([^<]*)$/s;
const noVariables: ReadonlyMap<string, string> = new Map();

/** Reads one word as `<<NAME`, `3<<-'NAME'`, …; undefined when it is none. The body comes later. */
export function parseHeredocWord(word: string): Heredoc | undefined {
  const match = form.exec(word);
  const rest = match?.[3] ?? "";
  if (match === null || rest === "") return undefined;
  let plain: readonly string[];
  try {
    plain = expandWord(rest, noVariables, { keepUnset: true }).words;
  } catch (error) {
    throw new SyntaxFault(error instanceof Error ? error.message : String(error));
  }
  const [name] = plain;
  if (plain.length !== 1 || name === undefined) return undefined;
  const quoted = expandWord(rest, noVariables, { keepUnset: true, rawQuotes: true }).words;
  return {
    name,
    content: "",
    expand: quoted[0] === name,
    fileDescriptor: Number(match[1] ?? "0"),
    chomp: match[2] === "-",
  };
}

/** The here-documents that an instruction announces, in order. */
export function heredocsOfLine(line: string): Heredoc[] {
  let words: readonly string[];
  try {
    words = expandWord(line, noVariables, { rawQuotes: true, rawEscapes: true, keepUnset: true }).words;
  } catch {
    return []; // A line whose quotes do not match belongs to the shell, which will complain itself.
  }
  const found: Heredoc[] = [];
  for (let index = 0; index < words.length; index++) {
    let word = words[index] ?? "";
    // `<< EOF` and `<<- EOF` are one redirection in two words.
    if (/^\d*<<-?$/.test(word) && words[index + 1] !== undefined) word += ` ${words[++index]}`;
    const heredoc = parseHeredocWord(word);
    if (heredoc !== undefined) found.push(heredoc);
  }
  return found;
}

/** The body as the file or command gets it: without leading tabs when the redirection was `<<-`. */
export function heredocText(heredoc: Heredoc): string {
  return heredoc.chomp ? heredoc.content.replace(/^\t+/gm, "") : heredoc.content;
}
