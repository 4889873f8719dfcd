import { enterRawMode, isTerminal } from "./terminal/terminal.ts";
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

/** Asks for a line on the terminal; what is hidden is not shown while it is typed. */
export async function ask(question: string, options: { readonly hidden: boolean }): Promise<string> {
  writeText(1, question);
  const restore = options.hidden ? enterRawMode() : () => {};
  let answer = "";
  try {
    for await (const chunk of readStandardInput()) {
      for (const character of new TextDecoder().decode(chunk)) {
        if (character === "\n" || character === "\r") {
          if (options.hidden) writeText(1, "\n");
          return answer;
        }
        if (options.hidden && (character === "\u0003" || character === "\u0004")) {
          // Raw mode hands Ctrl-C and Ctrl-D over as bytes.
          restore();
          writeText(1, "\n");
          process.exit(130);
        }
        if (options.hidden && (character === "\u007f" || character === "\b")) answer = answer.slice(0, -1);
        else answer += character;
      }
    }
    return answer;
  } finally {
    restore();
  }
}
