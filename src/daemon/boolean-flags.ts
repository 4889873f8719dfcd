import { errors } from "./errors.ts";

/** What Go's strconv.ParseBool takes. */
const words: Readonly<Record<string, boolean>> = {
  "1": true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  "0": false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/** Takes `--icc=false` and its kin, which node's parseArgs does not know, out of the arguments. */
export function splitBooleanFlags(
  argv: readonly string[],
  flags: Readonly<Record<string, { readonly type: "string" | "boolean" }>>,
): { readonly rest: string[]; readonly booleans: Readonly<Record<string, boolean>> } {
  const booleans: Record<string, boolean> = {};
  const rest = argv.filter((word) => {
    const [, name = "", text = ""] = /^--([a-z0-9-]+)=(.*)$/s.exec(word) ?? [];
    if (flags[name]?.type !== "boolean") return true;
    const value = words[text];
    if (value === undefined) throw errors.daemonFlagInvalid(name, text, "true or false");
    booleans[name] = value;
    return false;
  });
  return { rest, booleans };
}
