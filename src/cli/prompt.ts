import { isTerminal } from "./terminal/terminal.ts";
import { readStandardInput } from "./streams/standard-input.ts";
import { writeText } from "./output/write.ts";

/** Asks before something is lost; without a terminal or an answer of "y" it is no. */
export async function confirm(warning: string): Promise<boolean> {
  writeText(1, `WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  if (!isTerminal(0)) writeText(1, "\n");
  let answer = "";
  for await (const chunk of readStandardInput()) {
    answer += new TextDecoder().decode(chunk);
    if (answer.includes("\n")) break;
  }
  return /^\s*y(?:es)?\s*$/i.test(answer.split("\n")[0] ?? "");
}
