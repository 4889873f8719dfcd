import { cliErrors } from "../errors.ts";
import { writeText } from "../output/write.ts";
import type { Flag, Flags, FlagValues } from "./flag.ts";
import { parseValue } from "./value.ts";

export type ParsedArguments<Declared extends Flags> = {
  readonly values: FlagValues<Declared>;
  readonly operands: string[];
  /** Names of the flags that were given. */
  readonly given: ReadonlySet<string>;
  /** `-h` is not what docker wants it to be called. */
  readonly wantsHelp: boolean | "shorthand";
};

/** "-m, --memory" or "--cpus": how messages call a flag. */
function spell(name: string, flag: Flag): string {
  return flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
}

/**
 * Parses arguments as docker does (the rules and sentences of spf13/pflag): `--name value`, `--name=value`, `-p80:80`,
 * `-it`, `-t=false`, `--` ends the flags. With `stopAtOperand` everything from the first operand on is left alone.
 * `node:util` parseArgs is not used: it can neither stop at the first operand nor take `-t=false`.
 */
export function parseFlags<Declared extends Flags>(
  declared: Declared,
  argv: readonly string[],
  options: { readonly stopAtOperand?: boolean } = {},
): ParsedArguments<Declared> {
  const values: Record<string, unknown> = {};
  const byShort = new Map<string, string>();
  for (const [name, flag] of Object.entries(declared)) {
    values[name] = Array.isArray(flag.initial) ? [] : flag.initial;
    if (flag.short !== undefined) byShort.set(flag.short, name);
  }
  const given = new Set<string>();
  const operands: string[] = [];
  let wantsHelp: boolean | "shorthand" = false;

  const store = (name: string, flag: Flag, text: string) => {
    const parsed = parseValue(flag, text);
    if ("problem" in parsed) {
      throw cliErrors["bad-flag"](`invalid argument "${text}" for "${spell(name, flag)}" flag: ${parsed.problem}`);
    }
    if (flag.deprecated !== undefined) writeText(1, `Flag --${name} has been deprecated, ${flag.deprecated}\n`);
    const target = flag.aliasOf ?? name;
    if (flag.kind !== "list") values[target] = parsed.value;
    else if (flag.typeName === "strings") (values[target] as string[]).push(...text.split(","));
    else (values[target] as string[]).push(text);
    given.add(target);
  };

  let index = 0;
  while (index < argv.length) {
    const argument = argv[index++] ?? "";
    if (argument === "--") {
      operands.push(...argv.slice(index));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      operands.push(argument);
      if (options.stopAtOperand === true) {
        operands.push(...argv.slice(index));
        break;
      }
      continue;
    }
    if (argument.startsWith("--")) {
      const equals = argument.indexOf("=");
      const name = equals < 0 ? argument.slice(2) : argument.slice(2, equals);
      if (name === "" || name.startsWith("-")) throw cliErrors["bad-flag"](`bad flag syntax: ${argument}`);
      const flag = Object.hasOwn(declared, name) ? declared[name] : undefined;
      if (flag === undefined) {
        if (name === "help") {
          wantsHelp = true;
          continue;
        }
        throw cliErrors["bad-flag"](`unknown flag: --${name}`);
      }
      if (equals >= 0) store(name, flag, argument.slice(equals + 1));
      else if (flag.kind === "boolean") store(name, flag, "true");
      else if (index < argv.length) store(name, flag, argv[index++] ?? "");
      else throw cliErrors["bad-flag"](`flag needs an argument: --${name}`);
      continue;
    }
    const letters = argument.slice(1);
    for (let position = 0; position < letters.length; position++) {
      const letter = letters[position] ?? "";
      const name = byShort.get(letter);
      const flag = name === undefined ? undefined : declared[name];
      if (name === undefined || flag === undefined) {
        if (letter === "h") {
          wantsHelp = "shorthand";
          continue;
        }
        throw cliErrors["bad-flag"](`unknown shorthand flag: '${letter}' in ${argument}`);
      }
      const rest = letters.slice(position + 1);
      if (rest.startsWith("=")) store(name, flag, rest.slice(1));
      else if (flag.kind === "boolean") {
        store(name, flag, "true");
        continue;
      } else if (rest !== "") store(name, flag, rest);
      else if (index < argv.length) store(name, flag, argv[index++] ?? "");
      else throw cliErrors["bad-flag"](`flag needs an argument: '${letter}' in ${argument}`);
      break;
    }
  }
  return { values: values as FlagValues<Declared>, operands, given, wantsHelp };
}
