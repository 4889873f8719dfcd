import { cliErrors } from "../errors.ts";

/** Fields separated by commas, with quotes around those that hold commas (encoding/csv, as docker reads such flags). */
export function readFields(text: string): readonly string[] {
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (isQuoted) {
      if (character !== '"') field += character;
      else if (text[index + 1] === '"') {
        field += '"';
        index++;
      } else isQuoted = false;
    } else if (character === '"' && field === "") isQuoted = true;
    else if (character === ",") {
      fields.push(field);
      field = "";
    } else field += character;
  }
  if (isQuoted) throw cliErrors["bad-option"](`${JSON.stringify(text)}: a quote is not closed`);
  return [...fields, field];
}

/** `name=value` fields; a field without "=" is taken by `bare`, or refused. */
export function readPairs(
  flagName: string,
  text: string,
  bare?: (field: string) => readonly [string, string] | undefined,
): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const field of readFields(text)) {
    const equals = field.indexOf("=");
    if (equals === -1) {
      const pair = bare?.(field);
      if (pair === undefined) {
        throw cliErrors["bad-option"](`invalid value ${JSON.stringify(field)} for --${flagName}: it is no key=value`);
      }
      pairs.set(pair[0], pair[1]);
    } else pairs.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  return pairs;
}
