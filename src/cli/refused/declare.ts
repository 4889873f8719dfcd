import { type Command, type CommandContext, type CommandDeclaration, defineCommand } from "../command.ts";
import { type Flag, flag, type FlagOptions, type Flags, type FlagValues } from "../flags/flag.ts";
import { documentFormatFlag, listFormatFlag } from "../flags/format-flag.ts";
import { filterProblem } from "../flags/filters.ts";
import { declarations } from "./declarations.ts";

/** A command as `declarations` has it, without what it does. */
export type Declared = Pick<CommandDeclaration<Flags>, "summary" | "synopsis" | "aliases" | "operands" | "flags">;

function parseFlag(type: string, description: string, short: string | undefined): Flag {
  const options: FlagOptions = { ...(short !== undefined && { short }), ...(type !== "" && { typeName: type }) };
  if (description === "@list") return { ...listFormatFlag, ...options };
  if (description === "@document") return { ...documentFormatFlag, ...options };
  switch (type) {
    case "":
      return flag.boolean(description.replace(" (default true)", ""), {
        ...options,
        default: description.endsWith("(default true)"),
      });
    case "string":
    case "command":
    case "node-addr":
    case "credential-spec":
      return flag.string(description, options);
    case "int":
    case "uint":
    case "uint64":
      return flag.integer(description, options);
    case "duration":
      return flag.duration(description, { ...options, shownDefault: "" });
    case "decimal":
      return flag.decimal(description, options);
    case "bytes":
      return flag.bytes(description, options);
    case "filter":
      return flag.list(description, { ...options, check: filterProblem });
    default:
      return flag.list(description, options);
  }
}

/** How many operands a synopsis asks for: words in capitals, those in brackets left out at will. */
function operandsOf(synopsis: string): { min: number; max: number } {
  const words = synopsis
    .replace(/\[?OPTIONS\]?/, "")
    .replace(/\[[:@][^\]]*\]/g, "")
    .trim();
  const optional = words.match(/\[[^\]]*\]/g) ?? [];
  const required = words
    .replace(/\[[^\]]*\]/g, "")
    .split(/\s+/)
    .filter((word) => word !== "");
  const isOpen = optional.some((word) => word.includes("..."));
  return { min: required.length, max: isOpen ? Number.POSITIVE_INFINITY : required.length + optional.length };
}

/** Reads the table; each command once. */
export function readDeclarations(): ReadonlyMap<string, Declared> {
  const commands = new Map<string, Declared>();
  let flags: Record<string, Flag> = {};
  for (const line of declarations.split("\n")) {
    const option = /^ {2}(?:-(\w) )?--([\w-]+)(?: (\S+))?: (.*)$/.exec(line);
    if (option !== null) {
      const [, short, name = "", type = "", description = ""] = option;
      flags[name] = parseFlag(type, description, short);
      continue;
    }
    const [path, synopsis, summary, aliases] = line.split(" | ");
    if (path === undefined || path === "" || synopsis === undefined || summary === undefined) continue;
    flags = {};
    commands.set(path, {
      summary,
      synopsis,
      flags,
      operands: operandsOf(synopsis),
      ...(aliases !== undefined && { aliases: aliases.split(", ") }),
    });
  }
  return commands;
}

/** What a refused command asks of the daemon, which says why it cannot be. */
export type Refusal = (
  context: CommandContext,
  operands: readonly string[],
  flags: FlagValues<Flags>,
) => Promise<number | void>;

/** Joins a declaration with what it does. */
export function defineRefused(declared: Declared, refusal: Refusal): Command {
  return defineCommand({
    ...declared,
    // What follows a service's image is the service's own command line.
    stopAtOperand: declared.synopsis.includes("IMAGE [COMMAND]"),
    run: (context, flags, operands) => refusal(context, operands, flags),
  });
}
