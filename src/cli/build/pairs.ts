import { cliErrors } from "../errors.ts";
import { csvFields } from "../flags/csv-fields.ts";

/** `name=value` fields; a field without "=" is taken by `bare`, or refused. */
export function readPairs(
  flagName: string,
  text: string,
  bare?: (field: string) => readonly [string, string] | undefined,
): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const field of csvFields(flagName, text)) {
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
