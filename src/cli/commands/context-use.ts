import { defineCommand } from "../command.ts";
import { updateConfig } from "../configuration/write-config.ts";
import { hostVariable } from "../contexts/current.ts";
import { checkContextName, getContext } from "../contexts/store.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Set the current docker context",
  synopsis: "CONTEXT",
  operands: { min: 1, max: 1 },
  countProblem: (count) => `accepts 1 arg(s), received ${count}`,
  completes: () => "context",
  examples: [["Back to the daemon of this machine", "berth context use default"]],
  flags: {},
  async run(_context, _flags, [name = ""]) {
    if (name !== "default") {
      checkContextName(name);
      getContext(name);
    }
    updateConfig((config) => {
      if (name === "default") delete config["currentContext"];
      else config["currentContext"] = name;
    });
    writeText(1, `${name}\n`);
    writeText(2, `Current context is now "${name}"\n`);
    const variable = hostVariable();
    if (name !== "default" && variable !== undefined) {
      writeText(
        2,
        `Warning: ${variable} environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
  },
});
