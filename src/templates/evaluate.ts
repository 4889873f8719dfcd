import { EngineError } from "#base";
import { errors } from "./errors.ts";
import { CallFailure, type ParameterKind, type TemplateFunction, templateFunctions } from "./functions.ts";
import { formatValue, GoStruct, isEmpty, NilPointer, sortedKeys, typeNameOf } from "./go-value.ts";
import {
  type Command,
  type Node,
  type Operand,
  parseTemplate,
  type Pipeline,
  spell,
  type TemplateCall,
} from "./parse.ts";

/** What a template is compiled with. */
export type TemplateOptions = {
  /** @default "" */
  readonly name?: string;
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
  /** Is given every value that is printed; for making text safe to show. */
  readonly escape?: (text: string) => string;
  /** What goes before the sentence about a template that cannot be read. @default "template parsing error: " */
  readonly malformedPrefix?: string;
  /** What goes before the sentence about a template that fails on a value. @default "template parsing error: " */
  readonly failedPrefix?: string;
  /** What a key that a map does not have is: no value, or a failure. @default "error" */
  readonly missingKey?: "error" | "none";
  /** Whether a failure is thrown, or ends the text where it happened, as in the titles of docker's tables. @default "throw" */
  readonly onFailure?: "throw" | "stop";
};

/** A template ready to be run on any number of values. */
export type Template = (data: unknown) => string;

/** Left by `{{break}}` and `{{continue}}` on their way to the loop. */
type Jump = "break" | "continue" | undefined;

type Variable = { readonly name: string; value: unknown };
type Place = { readonly node: Operand | Command | TemplateCall; readonly position: number };

/** No value was piped in; undefined is a value. */
const nothing = Symbol("nothing");

/** Compiles a Go text/template. Throws `template-malformed` now, `template-failed` when it runs. */
export function compileTemplate(source: string, options: TemplateOptions = {}): Template {
  const template = withPrefix(options.malformedPrefix, () => compile(source, options));
  return (data) => withPrefix(options.failedPrefix, () => template(data));
}

function withPrefix<Result>(prefix = "template parsing error: ", work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof EngineError) || !error.code.startsWith("template-")) throw error;
    throw errors["template-failed"](prefix + error.message);
  }
}

/** Nested calls of templates by themselves end here, as in Go. */
const depthLimit = 1000;

function compile(source: string, options: TemplateOptions): Template {
  const name = options.name ?? "";
  const functions = options.functions ?? templateFunctions;
  const callable = new Set([...Object.keys(functions), "and", "or"]);
  const { nodes, defined } = parseTemplate(source, name, callable);
  const escape = options.escape ?? ((text: string) => text);
  const missingKey = options.missingKey ?? "error";

  return (data) => {
    let output = "";
    let variables: Variable[] = [{ name: "$", value: data }];
    // The node that errors name is the one looked at last (text/template/exec.go, `at`).
    let place: Place | undefined;
    let executing = name;
    let depth = 0;
    const at = (node: Operand | Command | TemplateCall) => {
      place = { node, position: node.position };
    };

    function failure(sentence: string) {
      if (place === undefined) return errors["template-failed"](`template: ${name}: ${sentence}`);
      const before = source.slice(0, place.position);
      const line = before.split("\n").length;
      const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
      return errors["template-failed"](
        `template: ${name}:${line}:${column}: executing ${JSON.stringify(executing)} at <${spell(place.node)}>: ${sentence}`,
      );
    }

    /** Checks a value against the parameter it is for. */
    function fit(value: unknown, kind: ParameterKind): unknown {
      if (kind === "any") return value;
      if (value === undefined || value === null) throw failure(`invalid value; expected ${kind}`);
      const type = typeNameOf(value);
      const isList = kind === "[]string" && Array.isArray(value) && value.every((each) => typeof each === "string");
      if (type === kind || isList || (kind === "int" && type === "int64"))
        return kind === "int" ? Number(value) : value;
      throw failure(`wrong type for value; expected ${kind}; got ${type}`);
    }

    function evaluateArgument(operand: Operand, dot: unknown, kind: ParameterKind): unknown {
      at(operand);
      if (operand.kind === "nil") {
        if (kind === "any" || kind === "[]string") return undefined;
        throw failure(`cannot assign nil to ${kind}`);
      }
      if (operand.kind !== "literal") return fit(evaluateOperand(operand, dot, [], nothing), kind);
      const { value } = operand;
      const isFit =
        kind === "any" || (kind === "string" ? typeof value === "string" : kind === "int" && Number.isInteger(value));
      if (isFit) return value;
      if (kind === "[]string") throw failure(`can't handle ${spell(operand)} for arg of type []string`);
      throw failure(`expected ${kind === "int" ? "integer" : kind}; found ${spell(operand)}`);
    }

    function callFunction(
      fn: TemplateFunction,
      called: string,
      node: Operand | Command,
      dot: unknown,
      args: readonly Operand[],
      final: unknown,
    ): unknown {
      const { parameters, isVariadic = false } = fn;
      const given = args.length + (final === nothing ? 0 : 1);
      const fixed = isVariadic ? parameters.length - 1 : parameters.length;
      if (isVariadic ? given < fixed : given !== fixed) {
        throw failure(
          `wrong number of args for ${called}: want ${isVariadic ? `at least ${fixed}` : fixed} got ${given}`,
        );
      }
      const kindAt = (index: number): ParameterKind => parameters[Math.min(index, parameters.length - 1)] ?? "any";
      const values = args.map((operand, index) => evaluateArgument(operand, dot, kindAt(index)));
      if (final !== nothing) values.push(fit(final, kindAt(values.length)));
      try {
        return fn.call(...(values as never[]));
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error;
        at(node);
        const reason =
          called === "call"
            ? error.message.replace("non-function of", `non-function ${args[0] === undefined ? "" : spell(args[0])} of`)
            : error.message;
        throw failure(`error calling ${called}: ${reason}`);
      }
    }

    /** `and` and `or` stop at the operand that decides. */
    function callLogic(called: "and" | "or", dot: unknown, args: readonly Operand[], final: unknown): unknown {
      if (args.length === 0 && final === nothing) {
        throw failure(`wrong number of args for ${called}: want at least 1 got 0`);
      }
      let last: unknown;
      for (const operand of args) {
        last = evaluateArgument(operand, dot, "any");
        if (isEmpty(last) === (called === "and")) return last;
      }
      return final === nothing ? last : final;
    }

    function notAFunction(operand: Operand, args: readonly Operand[], final: unknown): void {
      if (args.length === 0 && final === nothing) return;
      throw failure(`can't give argument to non-function ${spell(operand)}`);
    }

    function evaluateField(
      receiver: unknown,
      field: string,
      node: Operand,
      dot: unknown,
      args: readonly Operand[],
      final: unknown,
    ): unknown {
      const hasArguments = args.length > 0 || final !== nothing;
      if (receiver === undefined || receiver === null) {
        if (missingKey === "error") throw failure(`nil data; no entry for key "${field}"`);
        return undefined;
      }
      if (receiver instanceof NilPointer) throw failure(`nil pointer evaluating ${receiver.typeName}.${field}`);
      if (receiver instanceof GoStruct) {
        if (!receiver.fields.has(field)) {
          throw failure(`can't evaluate field ${field} in type ${receiver.typeName}`);
        }
        const value = receiver.fields.get(field);
        if (receiver.hasMethods) {
          const parameters: ParameterKind[] = typeof value === "function" ? ["string"] : [];
          const call = typeof value === "function" ? (value as TemplateFunction["call"]) : () => value;
          return callFunction({ parameters, call }, field, node, dot, args, final);
        }
        if (hasArguments) throw failure(`${field} has arguments but cannot be invoked as function`);
        return value;
      }
      if (typeof receiver === "object" && !Array.isArray(receiver)) {
        const own = Object.hasOwn(receiver, field) ? (receiver as Record<string, unknown>)[field] : undefined;
        if (typeof own === "function") {
          const method: TemplateFunction = { parameters: ["string"], call: own as TemplateFunction["call"] };
          return callFunction(method, field, node, dot, args, final);
        }
        if (hasArguments) throw failure(`${field} is not a method but has arguments`);
        if (Object.hasOwn(receiver, field)) return (receiver as Record<string, unknown>)[field];
        if (missingKey === "error") throw failure(`map has no entry for key "${field}"`);
        return undefined;
      }
      throw failure(`can't evaluate field ${field} in type ${typeNameOf(receiver)}`);
    }

    function evaluateFields(
      start: unknown,
      names: readonly string[],
      node: Operand,
      dot: unknown,
      args: readonly Operand[],
      final: unknown,
    ): unknown {
      let value = start;
      names.forEach((field, index) => {
        const isLast = index === names.length - 1;
        value = evaluateField(value, field, node, dot, isLast ? args : [], isLast ? final : nothing);
      });
      return value;
    }

    function evaluateOperand(operand: Operand, dot: unknown, args: readonly Operand[], final: unknown): unknown {
      switch (operand.kind) {
        case "field":
          at(operand);
          return evaluateFields(dot, operand.names, operand, dot, args, final);
        case "variable": {
          at(operand);
          const [first = "", ...names] = operand.names;
          const variable = variables.findLast((each) => each.name === first);
          if (variable === undefined) throw failure(`undefined variable: ${first}`);
          if (names.length > 0) return evaluateFields(variable.value, names, operand, dot, args, final);
          notAFunction(operand, args, final);
          return variable.value;
        }
        case "chain": {
          at(operand);
          if (operand.base.kind === "nil") throw failure(`indirection through explicit nil in ${spell(operand)}`);
          const base = evaluateArgument(operand.base, dot, "any");
          return evaluateFields(base, operand.names, operand, dot, args, final);
        }
        case "function": {
          at(operand);
          if (operand.name === "and" || operand.name === "or") return callLogic(operand.name, dot, args, final);
          return callFunction(functions[operand.name] as TemplateFunction, operand.name, operand, dot, args, final);
        }
        case "pipeline":
          notAFunction(operand, args, final);
          return evaluatePipeline(operand, dot);
        case "nil":
          at(operand);
          throw failure("nil is not a command");
        case "dot":
          at(operand);
          notAFunction(operand, args, final);
          return dot;
        case "literal":
          at(operand);
          notAFunction(operand, args, final);
          return operand.value;
      }
    }

    function evaluateCommand(command: Command, dot: unknown, final: unknown): unknown {
      const [first, ...args] = command.operands as [Operand, ...Operand[]];
      if (first.kind === "function" && first.name !== "and" && first.name !== "or") {
        at(first);
        return callFunction(functions[first.name] as TemplateFunction, first.name, command, dot, args, final);
      }
      return evaluateOperand(first, dot, args, final);
    }

    function evaluatePipeline(pipeline: Pipeline, dot: unknown): unknown {
      at(pipeline);
      let value: unknown = nothing;
      for (const command of pipeline.commands) value = evaluateCommand(command, dot, value);
      return value;
    }

    function bind(pipeline: Pipeline, index: number, value: unknown): void {
      const variable = pipeline.variables[index];
      if (variable === undefined) return;
      const existing = pipeline.assigns ? variables.findLast((each) => each.name === variable) : undefined;
      if (existing === undefined) variables.push({ name: variable, value });
      else existing.value = value;
    }

    function entriesOf(value: unknown): (readonly [unknown, unknown])[] {
      if (value === undefined || value === null) return [];
      if (value instanceof NilPointer || value instanceof GoStruct) {
        throw failure(`range can't iterate over ${formatValue(value)}`);
      }
      if (Array.isArray(value)) return value.map((each: unknown, index) => [index, each] as const);
      if (typeof value === "object") {
        return sortedKeys(value).map((key) => [key, (value as Record<string, unknown>)[key]] as const);
      }
      if (typeof value === "number" && Number.isInteger(value)) {
        return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index] as const);
      }
      throw failure(`range can't iterate over ${formatValue(value)}`);
    }

    function runRange(node: Node & { kind: "range" | "if" | "with" }, dot: unknown): Jump {
      const entries = entriesOf(evaluatePipeline(node.pipeline, dot));
      if (entries.length === 0) return runNodes(node.orElse, dot);
      const isSingle = node.pipeline.variables.length === 1;
      for (const [key, each] of entries) {
        const known = variables.length;
        bind(node.pipeline, 0, isSingle ? each : key);
        if (!isSingle) bind(node.pipeline, 1, each);
        const jump = runNodes(node.body, each);
        variables.length = known;
        if (jump === "break") break;
      }
      return undefined;
    }

    function runTemplate(node: TemplateCall, dot: unknown): void {
      at(node);
      const body = defined.get(node.name);
      if (body === undefined) throw failure(`template ${JSON.stringify(node.name)} not defined`);
      if (++depth > depthLimit) throw failure(`exceeded maximum template depth (${depthLimit})`);
      const inner = node.pipeline === undefined ? undefined : evaluatePipeline(node.pipeline, dot);
      const outer = { variables, executing };
      variables = [{ name: "$", value: inner }];
      executing = node.name;
      runNodes(body, inner);
      ({ variables, executing } = outer);
      depth--;
    }

    function runNodes(list: readonly Node[], dot: unknown): Jump {
      for (const node of list) {
        if (node.kind === "text") output += node.text;
        else if (node.kind === "break" || node.kind === "continue") return node.kind;
        else if (node.kind === "template") runTemplate(node, dot);
        else if (node.kind === "action") {
          const value = evaluatePipeline(node.pipeline, dot);
          if (node.pipeline.variables.length > 0) bind(node.pipeline, 0, value);
          // A nil that is printed by itself is no value at all.
          else output += escape(formatValue(value ?? undefined));
        } else {
          const known = variables.length;
          const jump = node.kind === "range" ? runRange(node, dot) : runChoice(node, dot);
          variables.length = known;
          if (jump !== undefined) return jump;
        }
      }
      return undefined;
    }

    function runChoice(node: Node & { kind: "range" | "if" | "with" }, dot: unknown): Jump {
      const value = evaluatePipeline(node.pipeline, dot);
      bind(node.pipeline, 0, value);
      if (isEmpty(value)) return runNodes(node.orElse, dot);
      return runNodes(node.body, node.kind === "with" ? value : dot);
    }

    if (options.onFailure !== "stop") {
      runNodes(nodes, data);
      return output;
    }
    try {
      runNodes(nodes, data);
    } catch {
      // What was printed until then is the result.
    }
    return output;
  };
}
