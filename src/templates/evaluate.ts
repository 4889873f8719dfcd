import { EngineError } from "#base";
import { errors } from "./errors.ts";
import { type TemplateFunction, templateFunctions } from "./functions.ts";
import { formatValue, isEmpty, sortedKeys } from "./go-value.ts";
import type { Command, Node, Operand, Pipeline } from "./parse.ts";
import { parseTemplate } from "./parse.ts";

/** How a template behaves that is not as Go's: its functions, its escaping, its sentences. */
export type TemplateOptions = {
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
  /** Is given every value that is printed; for making text safe to show. */
  readonly escape?: (text: string) => string;
  /** What goes before the sentence about a template that cannot be read. @default "template parsing error: " */
  readonly malformedPrefix?: string;
  /** What goes before the sentence about a template that fails on a value. @default "template parsing error: " */
  readonly failedPrefix?: string;
  /** How an unknown field is called in the error. @default `map has no entry for key "X"` */
  readonly unknownField?: (name: string) => string;
};

/** A template ready to be run on any number of values. */
export type Template = (data: unknown) => string;

class LoopSignal {
  readonly kind: "break" | "continue";
  constructor(kind: "break" | "continue") {
    this.kind = kind;
  }
}

type Variable = { readonly name: string; value: unknown };

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

function compile(source: string, options: TemplateOptions): Template {
  const nodes = parseTemplate(source);
  const functions = options.functions ?? templateFunctions;
  const escape = options.escape ?? ((text: string) => text);
  const unknownField = options.unknownField ?? ((name: string) => `map has no entry for key "${name}"`);
  checkFunctions(nodes, functions);

  return (data) => {
    let output = "";
    const variables: Variable[] = [{ name: "$", value: data }];

    function failure(operand: Operand & { kind: "field" }, reason: string) {
      return errors["template-failed"](
        `template: :1:${operand.column}: executing "" at <${spellOperand(operand)}>: ${reason}`,
      );
    }

    function evaluateField(operand: Operand & { kind: "field" }, dot: unknown, args: unknown[]): unknown {
      const base = evaluateOperand(operand.base, dot);
      if (base === undefined || base === null) {
        throw failure(operand, `nil data; no entry for key "${operand.name}"`);
      }
      if (typeof base !== "object")
        throw failure(operand, `can't evaluate field ${operand.name} in type ${typeof base}`);
      const fields = base as Record<string, unknown>;
      if (
        !(operand.name in fields) ||
        (!Object.hasOwn(fields, operand.name) && Object.hasOwn(Object.prototype, operand.name))
      ) {
        throw failure(operand, unknownField(operand.name));
      }
      const value = fields[operand.name];
      if (typeof value === "function") return (value as TemplateFunction).apply(base, args);
      if (args.length > 0) throw failure(operand, `${operand.name} has arguments but cannot be invoked as function`);
      return value;
    }

    function evaluateOperand(operand: Operand, dot: unknown): unknown {
      if (operand.kind === "literal") return operand.value;
      if (operand.kind === "dot") return dot;
      if (operand.kind === "pipeline") return evaluatePipeline(operand.pipeline, dot);
      if (operand.kind === "field") return evaluateField(operand, dot, []);
      if (operand.kind === "function") return evaluateCommand([operand], dot, []);
      const variable = variables.findLast(({ name }) => name === operand.name);
      if (variable === undefined) throw errors["template-failed"](`template: undefined variable "${operand.name}"`);
      return variable.value;
    }

    function evaluateCommand(command: Command, dot: unknown, piped: unknown[]): unknown {
      const [first, ...rest] = command as [Operand, ...Operand[]];
      if (first.kind === "function") {
        // `and` and `or` stop at the operand that decides.
        if (first.name === "and" || first.name === "or") {
          let last: unknown;
          for (const operand of rest) {
            last = evaluateOperand(operand, dot);
            if (isEmpty(last) === (first.name === "and")) return last;
          }
          return piped.length > 0 ? piped[0] : last;
        }
        const call = functions[first.name] as TemplateFunction;
        return call(...rest.map((operand) => evaluateOperand(operand, dot)), ...piped);
      }
      const args = [...rest.map((operand) => evaluateOperand(operand, dot)), ...piped];
      if (first.kind === "field") return evaluateField(first, dot, args);
      if (args.length > 0) throw errors["template-failed"]("template: can't give argument to non-function");
      return evaluateOperand(first, dot);
    }

    function evaluatePipeline(pipeline: Pipeline, dot: unknown): unknown {
      let value: unknown;
      pipeline.commands.forEach((command, index) => {
        value = evaluateCommand(command, dot, index === 0 ? [] : [value]);
      });
      return value;
    }

    function bind(pipeline: Pipeline, index: number, value: unknown): void {
      const name = pipeline.variables[index];
      if (name === undefined) return;
      const existing = pipeline.assigns ? variables.findLast((variable) => variable.name === name) : undefined;
      if (existing === undefined) variables.push({ name, value });
      else existing.value = value;
    }

    function runRange(node: Node & { kind: "range" | "if" | "with" }, dot: unknown): void {
      const value = evaluatePipeline(node.pipeline, dot);
      const entries: [unknown, unknown][] = Array.isArray(value)
        ? value.map((each, index) => [index, each])
        : typeof value === "number"
          ? Array.from({ length: value }, (_, index) => [index, index])
          : typeof value === "object" && value !== null
            ? sortedKeys(value).map((key) => [key, (value as Record<string, unknown>)[key]])
            : [];
      if (entries.length === 0) return runNodes(node.orElse, dot);
      const single = node.pipeline.variables.length === 1;
      for (const [key, each] of entries) {
        const depth = variables.length;
        bind(node.pipeline, 0, single ? each : key);
        if (!single) bind(node.pipeline, 1, each);
        try {
          runNodes(node.body, each);
        } catch (signal) {
          if (!(signal instanceof LoopSignal)) throw signal;
          if (signal.kind === "break") break;
        } finally {
          variables.length = depth;
        }
      }
    }

    function runNodes(list: readonly Node[], dot: unknown): void {
      for (const node of list) {
        if (node.kind === "text") output += node.text;
        else if (node.kind === "action") {
          const value = evaluatePipeline(node.pipeline, dot);
          if (node.pipeline.variables.length > 0) bind(node.pipeline, 0, value);
          // A nil that is printed by itself is no value at all.
          else output += escape(formatValue(value ?? undefined));
        } else if (node.kind === "break") throw new LoopSignal("break");
        else if (node.kind === "continue") throw new LoopSignal("continue");
        else {
          const depth = variables.length;
          if (node.kind === "range") runRange(node, dot);
          else {
            const value = evaluatePipeline(node.pipeline, dot);
            bind(node.pipeline, 0, value);
            if (isEmpty(value)) runNodes(node.orElse, dot);
            else runNodes(node.body, node.kind === "with" ? value : dot);
          }
          variables.length = depth;
        }
      }
    }

    runNodes(nodes, data);
    return output;
  };
}

function spellOperand(operand: Operand): string {
  if (operand.kind === "field") {
    return `${operand.base.kind === "dot" ? "" : spellOperand(operand.base)}.${operand.name}`;
  }
  if (operand.kind === "variable") return operand.name;
  return operand.kind === "pipeline" ? "(…)" : "";
}

/** Unknown functions are found before anything is printed, as Go's parser does. */
function checkFunctions(nodes: readonly Node[], functions: Readonly<Record<string, TemplateFunction>>): void {
  const visit = (pipeline: Pipeline): void => {
    for (const operand of pipeline.commands.flat()) {
      let inner: Operand = operand;
      while (inner.kind === "field") inner = inner.base;
      if (inner.kind === "pipeline") visit(inner.pipeline);
      if (
        inner.kind === "function" &&
        !Object.hasOwn(functions, inner.name) &&
        inner.name !== "and" &&
        inner.name !== "or"
      ) {
        throw errors["template-malformed"](`template: :1: function "${inner.name}" not defined`);
      }
    }
  };
  for (const node of nodes) {
    if (node.kind === "action") visit(node.pipeline);
    else if ("body" in node) {
      visit(node.pipeline);
      checkFunctions(node.body, functions);
      checkFunctions(node.orElse, functions);
    }
  }
}
