import { parseGoDuration, parseRamBytes } from "#base";
import type { Flag } from "./flag.ts";

export type ParsedValue = { readonly value: unknown } | { readonly problem: string };

// The sentences are Go's, as docker prints them.
function parseBoolean(text: string): ParsedValue {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return { value: true };
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return { value: false };
  return { problem: `strconv.ParseBool: parsing "${text}": invalid syntax` };
}

function parseInteger(text: string, flag: Flag): ParsedValue {
  const unsigned = flag.typeName?.startsWith("uint") === true;
  const parser = unsigned ? "ParseUint" : "ParseInt";
  if (!(unsigned ? /^\+?\d+$/ : /^[+-]?\d+$/).test(text)) {
    return { problem: `strconv.${parser}: parsing "${text}": invalid syntax` };
  }
  const value = Number(text);
  const limit = flag.typeName === "uint16" ? 65_535 : Number.MAX_SAFE_INTEGER;
  if (Math.abs(value) > limit) return { problem: `strconv.${parser}: parsing "${text}": value out of range` };
  return { value };
}

/** Reads one value of a flag. */
export function parseValue(flag: Flag, text: string): ParsedValue {
  const problem = flag.check?.(text);
  if (problem !== undefined) return { problem };
  switch (flag.kind) {
    case "boolean":
      return parseBoolean(text);
    case "integer":
      return parseInteger(text, flag);
    case "bytes": {
      // "-1" is how --memory-swap says unlimited.
      const value = text === "-1" ? -1 : parseRamBytes(text);
      return value === undefined ? { problem: `invalid size: '${text}'` } : { value };
    }
    case "duration": {
      const value = parseGoDuration(text);
      return value === undefined ? { problem: `time: invalid duration "${text}"` } : { value };
    }
    case "decimal": {
      if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
        return { problem: `failed to parse ${text} as a rational number` };
      }
      const value = Number(text) * 1e9;
      if (!Number.isInteger(Math.round(value * 1e3) / 1e3)) return { problem: "value is too precise" };
      return { value: Math.round(value) };
    }
    case "string":
    case "list":
      break;
  }
  return { value: text };
}
