import { errors } from "./errors.ts";
import { type Token, tokenize } from "./lex.ts";
import { unquote } from "./unquote.ts";

type At = { readonly position: number };

/** One value in a command. `position` is where Go says the node is; a chain of fields is where its second field is. */
export type Operand =
  | (At & { readonly kind: "literal"; readonly value: string | number | boolean; readonly spelled: string })
  | (At & { readonly kind: "nil" })
  | (At & { readonly kind: "dot" })
  | (At & { readonly kind: "field"; readonly names: readonly string[] })
  | (At & { readonly kind: "variable"; readonly names: readonly string[] })
  | (At & { readonly kind: "function"; readonly name: string })
  | (At & { readonly kind: "chain"; readonly base: Operand; readonly names: readonly string[] })
  | Pipeline;

export type Command = At & { readonly kind: "command"; readonly operands: readonly Operand[] };

export type Pipeline = At & {
  readonly kind: "pipeline";
  readonly variables: readonly string[];
  /** `$x = …` instead of `$x := …`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
};

export type TemplateCall = At & {
  readonly kind: "template";
  readonly name: string;
  readonly pipeline: Pipeline | undefined;
};

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | (At & { readonly kind: "action"; readonly pipeline: Pipeline })
  | (At & {
      readonly kind: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly orElse: readonly Node[];
    })
  | { readonly kind: "break" }
  | { readonly kind: "continue" }
  | TemplateCall;

/** A parsed template and the templates it defines. */
export type ParsedTemplate = {
  readonly nodes: readonly Node[];
  readonly defined: ReadonlyMap<string, readonly Node[]>;
};

/** A node as Go spells it in its errors. */
export function spell(node: Operand | Command | TemplateCall): string {
  switch (node.kind) {
    case "literal":
      return node.spelled;
    case "nil":
      return "nil";
    case "dot":
      return ".";
    case "field":
      return `.${node.names.join(".")}`;
    case "variable":
      return node.names.join(".");
    case "function":
      return node.name;
    case "chain":
      return `${node.base.kind === "pipeline" ? `(${spell(node.base)})` : spell(node.base)}.${node.names.join(".")}`;
    case "command":
      return node.operands.map((each) => (each.kind === "pipeline" ? `(${spell(each)})` : spell(each))).join(" ");
    case "pipeline": {
      const declared = node.variables.length === 0 ? "" : `${node.variables.join(", ")} ${node.assigns ? "=" : ":="} `;
      return declared + node.commands.map(spell).join(" | ");
    }
    case "template":
      return `{{template ${JSON.stringify(node.name)}${node.pipeline === undefined ? "" : ` ${spell(node.pipeline)}`}}}`;
  }
}

function spellToken(token: Token): string {
  if (token.kind === "eof") return "EOF";
  if (token.kind === "error") return token.text;
  if (token.kind === "keyword" || token.kind === "dot" || token.kind === "nil") return `<${token.text}>`;
  return token.text.length > 10 ? `${JSON.stringify(token.text.slice(0, 10))}...` : JSON.stringify(token.text);
}

type ListEnd = { readonly kind: "end" | "else" | "eof" };

function isListEnd(parsed: Node | ListEnd): parsed is ListEnd {
  return parsed.kind === "end" || parsed.kind === "else" || parsed.kind === "eof";
}

/** Parses a Go text/template as text/template/parse does. Throws `template-malformed` with Go's sentence. */
export function parseTemplate(source: string, name: string, functions: ReadonlySet<string>): ParsedTemplate {
  const tokens = tokenize(source);
  const defined = new Map<string, readonly Node[]>();
  let index = 0;
  let rangeDepth = 0;
  let variables: string[] = ["$"];

  const lineOf = (position: number) => source.slice(0, position).split("\n").length;
  const fail = (sentence: string) =>
    errors["template-malformed"](
      `template: ${name}:${lineOf((tokens[Math.min(Math.max(0, index - 1), tokens.length - 1)] as Token).position)}: ${sentence}`,
    );
  const peek = () => tokens[Math.min(index, tokens.length - 1)] as Token;
  const next = (): Token => {
    const token = peek();
    index++;
    return token;
  };
  const skipSpace = () => {
    while (peek().kind === "space") index++;
  };
  const peekNonSpace = () => {
    skipSpace();
    return peek();
  };
  const nextNonSpace = () => {
    skipSpace();
    return next();
  };
  const unexpected = (token: Token, context: string) =>
    fail(token.kind === "error" ? token.text : `unexpected ${spellToken(token)} in ${context}`);
  const expect = (kind: Token["kind"], context: string) => {
    const token = nextNonSpace();
    if (token.kind !== kind) throw unexpected(token, context);
    return token;
  };

  function parseTerm(): Operand | undefined {
    const token = nextNonSpace();
    const { position, text } = token;
    switch (token.kind) {
      case "identifier":
        if (!functions.has(text)) throw fail(`function "${text}" not defined`);
        return { kind: "function", name: text, position };
      case "dot":
        return { kind: "dot", position };
      case "nil":
        return { kind: "nil", position };
      case "variable":
        if (!variables.includes(text)) throw fail(`undefined variable "${text}"`);
        return { kind: "variable", names: [text], position };
      case "field":
        return { kind: "field", names: [text.slice(1)], position };
      case "bool":
        return { kind: "literal", value: text === "true", spelled: text, position };
      case "charConstant":
        return { kind: "literal", value: unquote(text).codePointAt(0) ?? 0, spelled: text, position };
      case "number":
        return { kind: "literal", value: Number(text.replaceAll("_", "")), spelled: text, position };
      case "string":
      case "rawString":
        return { kind: "literal", value: unquote(text), spelled: text, position };
      case "leftParen": {
        const pipeline = parsePipeline("parenthesized pipeline", "rightParen");
        return pipeline;
      }
      case "error":
      case "eof":
      case "text":
      case "leftDelimiter":
      case "rightDelimiter":
      case "space":
      case "assign":
      case "declare":
      case "pipe":
      case "rightParen":
      case "char":
      case "keyword":
        break;
    }
    index--;
    return undefined;
  }

  function parseOperand(): Operand | undefined {
    const term = parseTerm();
    if (term === undefined || peek().kind !== "field") return term;
    const { position } = peek();
    const names: string[] = [];
    while (peek().kind === "field") names.push(next().text.slice(1));
    if (term.kind === "field" || term.kind === "variable") {
      return { ...term, names: [...term.names, ...names], position };
    }
    if (term.kind === "literal" || term.kind === "nil" || term.kind === "dot") {
      throw fail(`unexpected . after term ${JSON.stringify(spell(term))}`);
    }
    return { kind: "chain", base: term, names, position };
  }

  function parseCommand(): Command {
    const { position } = peekNonSpace();
    const operands: Operand[] = [];
    for (;;) {
      skipSpace();
      const operand = parseOperand();
      if (operand !== undefined) operands.push(operand);
      const token = next();
      if (token.kind === "space") continue;
      if (token.kind === "rightDelimiter" || token.kind === "rightParen") index--;
      else if (token.kind !== "pipe") throw unexpected(token, "operand");
      break;
    }
    if (operands.length === 0) throw fail("empty command");
    return { kind: "command", operands, position };
  }

  function parseDeclarations(context: string): { declared: string[]; assigns: boolean } {
    const declared: string[] = [];
    for (;;) {
      const token = peekNonSpace();
      if (token.kind !== "variable") return { declared, assigns: false };
      const start = index;
      index++;
      const after = peekNonSpace();
      if (after.kind === "assign" || after.kind === "declare") {
        nextNonSpace();
        declared.push(token.text);
        variables.push(token.text);
        return { declared, assigns: after.kind === "assign" };
      }
      if (after.kind !== "char" || after.text !== ",") {
        index = start;
        return { declared, assigns: false };
      }
      nextNonSpace();
      declared.push(token.text);
      variables.push(token.text);
      if (context !== "range" || declared.length >= 2) throw fail(`too many declarations in ${context}`);
      if (!["variable", "rightDelimiter", "rightParen"].includes(peekNonSpace().kind)) {
        throw fail("range can only initialize variables");
      }
    }
  }

  function parsePipeline(context: string, end: "rightDelimiter" | "rightParen"): Pipeline {
    const { position } = peekNonSpace();
    const { declared, assigns } = parseDeclarations(context);
    const commands: Command[] = [];
    const operandKinds = new Set(
      "bool charConstant dot field identifier number nil rawString string variable leftParen".split(" "),
    );
    for (;;) {
      const token = nextNonSpace();
      if (token.kind === end) break;
      if (!operandKinds.has(token.kind)) throw unexpected(token, context);
      index--;
      commands.push(parseCommand());
    }
    if (commands.length === 0) throw fail(`missing value for ${context}`);
    commands.slice(1).forEach((command, stage) => {
      const first = command.operands[0];
      if (first !== undefined && (first.kind === "literal" || first.kind === "dot" || first.kind === "nil")) {
        throw fail(`non executable command in pipeline stage ${stage + 2}`);
      }
    });
    return { kind: "pipeline", variables: declared, assigns, commands, position };
  }

  function parseControl(kind: "if" | "with" | "range", position: number): Node {
    const known = variables.length;
    const pipeline = parsePipeline(kind, "rightDelimiter");
    if (kind === "range") rangeDepth++;
    const body = parseList();
    if (kind === "range") rangeDepth--;
    let orElse: readonly Node[] = [];
    if (body.end.kind === "else") {
      const token = peek();
      if (token.kind === "keyword" && token.text === kind && kind !== "range") {
        next();
        orElse = [parseControl(kind, token.position)];
      } else {
        const other = parseList();
        if (other.end.kind !== "end") throw fail("expected end; found {{else}}");
        orElse = other.nodes;
      }
    }
    variables = variables.slice(0, known);
    return { kind, pipeline, body: body.nodes, orElse, position };
  }

  function parseName(context: string): { name: string; position: number } {
    const token = nextNonSpace();
    if (token.kind !== "string" && token.kind !== "rawString") throw unexpected(token, context);
    return { name: unquote(token.text), position: token.position };
  }

  function define(context: string): void {
    const { name: templateName } = parseName(context);
    expect("rightDelimiter", context);
    defined.set(templateName, parseDefinition(context));
  }

  function parseDefinition(context: string): readonly Node[] {
    const outer = variables;
    variables = ["$"];
    const { nodes, end } = parseList();
    if (end.kind !== "end") throw fail(`unexpected {{else}} in ${context}`);
    variables = outer;
    return nodes;
  }

  /** One action after its "{{"; a list end when it is "{{end}}" or "{{else}}". */
  function parseAction(): Node | ListEnd {
    const token = nextNonSpace();
    const { position } = token;
    if (token.kind !== "keyword") {
      index--;
      const pipeline = parsePipeline("command", "rightDelimiter");
      return { kind: "action", pipeline, position: pipeline.position };
    }
    switch (token.text) {
      case "end":
        expect("rightDelimiter", "end");
        return { kind: "end" };
      case "else": {
        const after = peekNonSpace();
        if (after.kind !== "keyword" || (after.text !== "if" && after.text !== "with"))
          expect("rightDelimiter", "else");
        return { kind: "else" };
      }
      case "break":
      case "continue":
        expect("rightDelimiter", `{{${token.text}}}`);
        if (rangeDepth === 0) throw fail(`{{${token.text}}} outside {{range}}`);
        return { kind: token.text };
      case "template": {
        const { name: templateName, position: at } = parseName("template clause");
        if (peekNonSpace().kind === "rightDelimiter") {
          next();
          return { kind: "template", name: templateName, pipeline: undefined, position: at };
        }
        const pipeline = parsePipeline("template clause", "rightDelimiter");
        return { kind: "template", name: templateName, pipeline, position: at };
      }
      case "block": {
        const { name: templateName, position: at } = parseName("block clause");
        const pipeline = parsePipeline("block clause", "rightDelimiter");
        defined.set(templateName, parseDefinition("block clause"));
        return { kind: "template", name: templateName, pipeline, position: at };
      }
      case "define":
        throw unexpected(token, "command");
      default:
        return parseControl(token.text as "if" | "with" | "range", position);
    }
  }

  function parseList(isTop = false): { nodes: Node[]; end: ListEnd } {
    const nodes: Node[] = [];
    for (;;) {
      const token = peekNonSpace();
      if (token.kind === "eof") {
        if (isTop) return { nodes, end: { kind: "eof" } };
        throw fail("unexpected EOF");
      }
      next();
      if (token.kind === "text") {
        nodes.push({ kind: "text", text: token.text });
        continue;
      }
      if (token.kind !== "leftDelimiter") throw unexpected(token, "input");
      if (isTop && peekNonSpace().kind === "keyword" && peek().text === "define") {
        next();
        define("define clause");
        continue;
      }
      const action = parseAction();
      if (!isListEnd(action)) nodes.push(action);
      else if (isTop) throw fail(`unexpected {{${action.kind}}}`);
      else return { nodes, end: action };
    }
  }

  return { nodes: parseList(true).nodes, defined };
}
