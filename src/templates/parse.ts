import { errors } from "./errors.ts";

/** One value in a command: `.Field`, `$x.Field`, `"text"`, `(pipeline).Field`, a function's name. */
export type Operand =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "dot" }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline }
  | { readonly kind: "field"; readonly base: Operand; readonly name: string; readonly column: number };

export type Command = readonly Operand[];
export type Pipeline = {
  readonly variables: readonly string[];
  /** `$x = …` instead of `$x := …`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
};

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: Node[];
      readonly orElse: Node[];
    }
  | { readonly kind: "break" }
  | { readonly kind: "continue" };

type Token = { readonly type: string; readonly text: string; readonly column: number; readonly spaced: boolean };

const tokenPattern =
  /\s+|(?<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?<char>'(?:[^'\\\n]|\\.)+')|(?<number>[+-]?(?:0[xX][\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?))|(?<field>\.[A-Za-z_]\w*)|(?<dot>\.)|(?<variable>\$\w*)|(?<word>[A-Za-z_]\w*)|(?<mark>:=|=|\||\(|\)|,)/uy;

function tokenize(action: string, column: number): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  let spaced = true;
  while (tokenPattern.lastIndex < action.length) {
    const start = tokenPattern.lastIndex;
    const match = tokenPattern.exec(action);
    if (match === null) {
      const bad = action[start] ?? "";
      throw errors["template-malformed"](
        bad === '"' ? "template: :1: unterminated quoted string" : `template: :1: unexpected "${bad}" in operand`,
      );
    }
    const group = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined);
    if (group === undefined) {
      spaced = true;
      continue;
    }
    tokens.push({ type: group[0], text: match[0], column: column + start, spaced });
    spaced = false;
  }
  return tokens;
}

const escapes: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\u0007",
  b: "\b",
  f: "\f",
  v: "\v",
};

/** The value of a Go string or character literal. */
export function unquote(literal: string): string {
  if (literal.startsWith("`")) return literal.slice(1, -1);
  return literal
    .slice(1, -1)
    .replace(/\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.)/gs, (_, escape: string) => {
      if (/^[xuU]./.test(escape)) return String.fromCodePoint(Number.parseInt(escape.slice(1), 16));
      if (/^[0-7]{3}$/.test(escape)) return String.fromCodePoint(Number.parseInt(escape, 8));
      return escapes[escape] ?? escape;
    });
}

class PipelineParser {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token | undefined {
    return this.#tokens[this.#index];
  }

  #isMark(text: string): boolean {
    return this.#token?.type === "mark" && this.#token.text === text;
  }

  parse(context: string): Pipeline {
    const pipeline = this.#parsePipeline(context);
    if (this.#token !== undefined) {
      throw errors["template-malformed"](`template: :1: unexpected <${this.#token.text}> in ${context}`);
    }
    return pipeline;
  }

  #parsePipeline(context: string): Pipeline {
    const variables: string[] = [];
    let assigns = false;
    const start = this.#index;
    while (this.#token?.type === "variable") {
      variables.push(this.#token.text);
      this.#index++;
      if (this.#isMark(",")) {
        this.#index++;
        continue;
      }
      break;
    }
    if (variables.length > 0 && (this.#isMark(":=") || this.#isMark("="))) {
      assigns = this.#isMark("=");
      this.#index++;
    } else {
      variables.length = 0;
      this.#index = start;
    }
    const commands: Command[] = [this.#parseCommand(context)];
    while (this.#isMark("|")) {
      this.#index++;
      commands.push(this.#parseCommand(context));
    }
    return { variables, assigns, commands };
  }

  #parseCommand(context: string): Command {
    const operands: Operand[] = [];
    while (this.#token !== undefined && !this.#isMark("|") && !this.#isMark(")"))
      operands.push(this.#parseOperand(context));
    if (operands.length === 0) throw errors["template-malformed"](`template: :1: missing value for ${context}`);
    return operands;
  }

  #parseOperand(context: string): Operand {
    const token = this.#tokens[this.#index++] as Token;
    let operand = this.#parseTerm(token, context);
    while (this.#token?.type === "field" && !this.#token.spaced) {
      operand = { kind: "field", base: operand, name: this.#token.text.slice(1), column: this.#token.column };
      this.#index++;
    }
    return operand;
  }

  #parseTerm(token: Token, context: string): Operand {
    switch (token.type) {
      case "string":
        return { kind: "literal", value: unquote(token.text) };
      case "char":
        return { kind: "literal", value: unquote(token.text).codePointAt(0) ?? 0 };
      case "number":
        return { kind: "literal", value: Number(token.text) };
      case "field":
        return { kind: "field", base: { kind: "dot" }, name: token.text.slice(1), column: token.column };
      case "dot":
        return { kind: "dot" };
      case "variable":
        return { kind: "variable", name: token.text };
      case "word":
        if (token.text === "true" || token.text === "false") return { kind: "literal", value: token.text === "true" };
        if (token.text === "nil") return { kind: "literal", value: null };
        return { kind: "function", name: token.text };
      default:
        break;
    }
    if (token.text !== "(")
      throw errors["template-malformed"](`template: :1: unexpected <${token.text}> in ${context}`);
    const pipeline = this.#parsePipeline("parenthesized pipeline");
    if (!this.#isMark(")")) throw errors["template-malformed"]("template: :1: unclosed left paren");
    this.#index++;
    return { kind: "pipeline", pipeline };
  }
}

type Piece = { readonly text: string } | { readonly action: string; readonly column: number };

/** Splits text and actions; `{{-` and `-}}` take the white space beside them, comments vanish. */
function split(source: string): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  let trimNext = false;
  while (position < source.length) {
    const open = source.indexOf("{{", position);
    let text = source.slice(position, open < 0 ? source.length : open);
    if (trimNext) text = text.trimStart();
    trimNext = false;
    if (open < 0) {
      pieces.push({ text });
      break;
    }
    let start = open + 2;
    if (/^-\s/.test(source.slice(start, start + 2))) {
      text = text.trimEnd();
      start++;
    }
    if (text !== "") pieces.push({ text });
    const comment = /^\s*\/\*[\s\S]*?\*\/\s*?(-)?\}\}/.exec(source.slice(start));
    if (comment !== null) {
      trimNext = comment[1] !== undefined;
      position = start + comment[0].length;
      continue;
    }
    // The end of the action, past any quoted text in it.
    const body =
      /^(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'|(?!\}\})[\s\S])*/.exec(source.slice(start))?.[0] ?? "";
    if (!source.startsWith("}}", start + body.length))
      throw errors["template-malformed"]("template: :1: unclosed action");
    trimNext = /\s-$/.test(body);
    pieces.push({ action: trimNext ? body.slice(0, -1) : body, column: start });
    position = start + body.length + 2;
  }
  return pieces;
}

/** Parses a Go text/template. Throws `template-malformed`. */
export function parseTemplate(source: string): Node[] {
  const pieces = split(source);
  let index = 0;

  function parseList(inside: string | undefined): { nodes: Node[]; end: string; rest: Token[] } {
    const nodes: Node[] = [];
    while (index < pieces.length) {
      const piece = pieces[index++] as Piece;
      if ("text" in piece) {
        nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      const tokens = tokenize(piece.action, piece.column);
      const [first, ...rest] = tokens;
      const keyword = first?.type === "word" ? first.text : "";
      if (keyword === "end" || keyword === "else") {
        if (inside === undefined) throw errors["template-malformed"](`template: :1: unexpected {{${keyword}}}`);
        return { nodes, end: keyword, rest };
      }
      if (keyword === "if" || keyword === "with" || keyword === "range") nodes.push(parseBlock(keyword, rest));
      else if (keyword === "break") nodes.push({ kind: "break" });
      else if (keyword === "continue") nodes.push({ kind: "continue" });
      else nodes.push({ kind: "action", pipeline: new PipelineParser(tokens).parse("command") });
    }
    if (inside !== undefined) throw errors["template-malformed"]("template: :1: unexpected EOF");
    return { nodes, end: "", rest: [] };
  }

  function parseBlock(kind: "if" | "with" | "range", tokens: readonly Token[]): Node {
    const pipeline = new PipelineParser(tokens).parse(kind);
    const body = parseList(kind);
    if (body.end === "end") return { kind, pipeline, body: body.nodes, orElse: [] };
    const [next, ...rest] = body.rest;
    // "{{else if …}}" shares the end of its if.
    if (next !== undefined)
      return { kind, pipeline, body: body.nodes, orElse: [parseBlock(next.text === "with" ? "with" : "if", rest)] };
    const orElse = parseList(kind);
    if (orElse.end !== "end") throw errors["template-malformed"]("template: :1: expected end; found {{else}}");
    return { kind, pipeline, body: body.nodes, orElse: orElse.nodes };
  }

  return parseList(undefined).nodes;
}
