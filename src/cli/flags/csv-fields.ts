import { readCsvRecord } from "#base";
import { cliErrors } from "../errors.ts";

/** The fields of a flag that is one CSV record; one that is none is refused in docker's words. */
export function csvFields(flagName: string, text: string): readonly string[] {
  try {
    return readCsvRecord(text);
  } catch (error) {
    const sentence = (error as Error).message;
    throw cliErrors["bad-flag"](`invalid argument ${JSON.stringify(text)} for "--${flagName}" flag: ${sentence}`);
  }
}
