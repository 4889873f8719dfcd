import { type Directives, parseDirectives } from "./directives.ts";
import { SyntaxFault } from "./fault.ts";
import { type Heredoc, heredocsOfLine } from "./heredoc.ts";
import { parseJsonArray, parseNameValues, parseWords, separators, splitFlags } from "./words.ts";

/** One instruction as written: keyword, flags, arguments; not yet checked for sense. */
export type DockerfileNode = {
  /** As written; keywords are case-insensitive. */
  readonly keyword: string;
  readonly flags: readonly string[];
  readonly arguments: readonly string[];
  /** True when the arguments were a JSON array. */
  readonly json: boolean;
  /** The instruction on one line, continuations joined. */
  readonly original: string;
  /** Physical lines, from 1, both included. */
  readonly startLine: number;
  readonly endLine: number;
  /** Comment lines right above it. */
  readonly comments: readonly string[];
  readonly heredocs: readonly Heredoc[];
  /** The instruction inside ONBUILD. */
  readonly child: DockerfileNode | undefined;
};

export type DockerfileTree = {
  readonly nodes: readonly DockerfileNode[];
  readonly directives: Directives;
  readonly warnings: readonly string[];
  /** Last lines of instructions with an empty line in the middle. */
  readonly emptyContinuations: readonly number[];
};

/** Keywords of the language, lower-case, with how each reads its arguments. */
const argumentForms: Readonly<Record<string, "json" | "json-words" | "words" | "text" | "pairs" | "names" | "health">> =
  {
    add: "json-words",
    arg: "names",
    cmd: "json",
    copy: "json-words",
    entrypoint: "json",
    env: "pairs",
    expose: "words",
    from: "words",
    healthcheck: "health",
    label: "pairs",
    maintainer: "text",
    run: "json",
    shell: "json",
    stopsignal: "text",
    user: "text",
    volume: "json-words",
    workdir: "text",
  };

/** Every keyword, upper-case. */
export const keywords: readonly string[] = [...Object.keys(argumentForms), "onbuild"].map((name) => name.toUpperCase());

/** Docker's limit on one physical line (Go's bufio.MaxScanTokenSize - 1). */
const maximumLineBytes = 65535;

/** Splits a Dockerfile into instructions. Throws `SyntaxFault` with the line. */
export function parseTree(source: string): DockerfileTree {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  const physical = text.split("\n");
  // A newline ends a line, it does not begin one.
  if (physical.at(-1) === "") physical.pop();
  for (const [index, line] of physical.entries()) {
    if (line.length > maximumLineBytes / 4 && Buffer.byteLength(line) > maximumLineBytes) {
      throw new SyntaxFault(`dockerfile line greater than max allowed size of ${maximumLineBytes}`, index + 1);
    }
  }
  const directives = parseDirectives(physical);
  const escape = directives.escape === "\\" ? "\\\\" : "`";
  // A doubled escape at the end of a line is an escaped escape, not a continuation.
  const continuation = new RegExp(`(^|[^${escape}])${escape}[ \\t]*$`);

  const nodes: DockerfileNode[] = [];
  const warnings: string[] = [];
  const emptyContinuations: number[] = [];
  let comments: string[] = [];
  let position = 0;
  const join = (line: string): { text: string; continues: boolean } => {
    const continues = continuation.test(line);
    return { text: continues ? line.replace(continuation, "$1") : line, continues };
  };
  while (position < physical.length) {
    const first = (physical[position++] ?? "").replace(/\r$/, "").trimStart();
    if (first.startsWith("#")) {
      const comment = first.slice(1).trim();
      if (comment === "" || position <= directives.lines) comments = [];
      else comments.push(comment);
      continue;
    }
    const startLine = position;
    let { text: line, continues } = join(first);
    if (!continues && line === "") {
      comments = [];
      continue;
    }
    let hasEmptyContinuation = false;
    while (continues && position < physical.length) {
      const next = (physical[position++] ?? "").replace(/\r$/, "");
      if (next.trimStart().startsWith("#")) continue;
      if (next.trim() === "") {
        hasEmptyContinuation = true;
        continue;
      }
      const joined = join(next);
      line += joined.text;
      continues = joined.continues;
    }
    if (hasEmptyContinuation) {
      warnings.push(`Empty continuation line found in: ${line}`);
      emptyContinuations.push(position);
    }
    if (line.trim() === "") continue;

    try {
      const node = parseLine(line, directives.escape);
      const heredocs: Heredoc[] = [];
      for (const heredoc of announcedHeredocs(node, line)) {
        const body = readHeredoc(physical, position, heredoc);
        heredocs.push({ ...heredoc, content: body.content });
        position = body.next;
      }
      nodes.push({ ...node, startLine, endLine: position, comments, heredocs });
    } catch (error) {
      throw error instanceof SyntaxFault ? error.at(startLine) : error;
    }
    comments = [];
  }
  return { nodes, directives, warnings, emptyContinuations };
}

function announcedHeredocs(node: DockerfileNode, line: string): readonly Heredoc[] {
  if (!line.includes("<<")) return [];
  const instruction = node.child ?? node;
  if (instruction.json || !["run", "copy", "add"].includes(instruction.keyword.toLowerCase())) return [];
  return heredocsOfLine(line);
}

function readHeredoc(
  physical: readonly string[],
  start: number,
  heredoc: Heredoc,
): { readonly content: string; readonly next: number } {
  let content = "";
  for (let position = start; position < physical.length; position++) {
    const line = physical[position] ?? "";
    const bare = line.replace(/\r$/, "");
    if ((heredoc.chomp ? bare.replace(/^\t+/, "") : bare) === heredoc.name) return { content, next: position + 1 };
    content += `${line}\n`;
  }
  throw new SyntaxFault("unterminated heredoc");
}

/** Reads one logical line; line numbers and here-documents are the caller's to add. */
export function parseLine(line: string, escape: string): DockerfileNode {
  const trimmed = line.trim();
  const split = /^([^\t\v\f\r ]*)[\t\v\f\r ]*(.*)$/su.exec(trimmed);
  const keyword = split?.[1] ?? trimmed;
  const { flags, rest } = splitFlags(split?.[2] ?? "");
  const text = rest.trim();
  const name = keyword.toLowerCase();
  const bare = { keyword, flags, original: line, startLine: 0, endLine: 0, comments: [], heredocs: [] } as const;
  if (name === "onbuild") {
    const child = text === "" ? undefined : parseLine(text, escape);
    return { ...bare, arguments: child === undefined ? [] : [child.keyword, ...child.arguments], json: false, child };
  }
  return { ...bare, ...readArguments(name, text, escape), child: undefined };
}

function readArguments(
  name: string,
  text: string,
  escape: string,
): { readonly arguments: readonly string[]; readonly json: boolean } {
  const form = argumentForms[name];
  if (form === undefined || text === "") return { arguments: [], json: false };
  switch (form) {
    case "text":
      return { arguments: [text], json: false };
    case "words":
      return { arguments: text.split(separators), json: false };
    case "names":
      return { arguments: parseWords(text, escape), json: false };
    case "pairs":
      return { arguments: parseNameValues(text, name.toUpperCase(), escape), json: false };
    case "json":
    case "json-words": {
      const array = parseJsonArray(text);
      if (array !== undefined) return { arguments: array, json: true };
      return { arguments: form === "json" ? [text] : text.split(separators), json: false };
    }
    case "health":
      break;
  }
  const match = /^(\S+)\s*(.*)$/su.exec(text);
  const command = match?.[2] ?? "";
  const array = parseJsonArray(command);
  const tail = array ?? (command === "" ? [] : [command]);
  return { arguments: [match?.[1] ?? "", ...tail], json: array !== undefined };
}
