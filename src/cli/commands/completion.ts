import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Print the completion script for a shell",
  synopsis: "bash|zsh|fish",
  operands: { min: 1, max: 1 },
  examples: [["Completion in this bash", "source <(berth completion bash)"]],
  flags: {},
  async run(_context, _flags, [shell = ""]) {
    const { completionScripts } = await import("../completion/scripts.ts");
    const script = completionScripts[shell];
    if (script === undefined) {
      throw cliErrors["bad-option"](
        `no completion for "${shell}": it is there for ${Object.keys(completionScripts).join(", ")}`,
      );
    }
    writeText(1, script);
  },
});
