import { SyntaxFault, suggest } from "./fault.ts";

/** How often and in which form a flag may stand. */
export type FlagForm = "text" | "list" | "boolean";

export type Flags<Forms extends Readonly<Record<string, FlagForm>>> = {
  readonly [Name in keyof Forms]: Forms[Name] extends "list"
    ? readonly string[]
    : Forms[Name] extends "boolean"
      ? boolean | undefined
      : string | undefined;
};

/** Reads the `--name=value` words of an instruction; names are case-sensitive and only a list may repeat. */
export function readFlags<const Forms extends Readonly<Record<string, FlagForm>>>(
  words: readonly string[],
  forms: Forms,
): Flags<Forms> {
  const lists: Record<string, string[]> = {};
  const values: Record<string, string | boolean | readonly string[] | undefined> = {};
  for (const [name, form] of Object.entries(forms)) {
    if (form === "list") values[name] = lists[name] = [];
  }
  const seen = new Set<string>();
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(2, at === -1 ? undefined : at);
    const value = at === -1 ? undefined : word.slice(at + 1);
    const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
    if (form === undefined) {
      const near = suggest(name, Object.keys(forms));
      throw new SyntaxFault(`unknown flag: --${name}${near === undefined ? "" : ` (did you mean ${near}?)`}`);
    }
    if (seen.has(name) && form !== "list") throw new SyntaxFault(`duplicate flag specified: ${name}`);
    seen.add(name);
    if (form === "boolean") values[name] = readBoolean(name, value);
    else if (value === undefined) throw new SyntaxFault(`missing a value on flag: --${name}`);
    else if (form === "list") lists[name]?.push(value);
    else values[name] = value;
  }
  return values as Flags<Forms>;
}

function readBoolean(name: string, value: string | undefined): boolean {
  if (value === undefined || value.toLowerCase() === "true") return true;
  if (value.toLowerCase() === "false") return false;
  throw new SyntaxFault(`expecting boolean value for flag ${name}, not: ${value}`);
}
