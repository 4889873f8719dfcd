import { defineCommand } from "../command.ts";
import { updateConfig } from "../configuration/write-config.ts";
import { currentContext } from "../contexts/current.ts";
import { findContext, removeContext } from "../contexts/store.ts";
import { cliErrors } from "../errors.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Remove one or more contexts",
  synopsis: "CONTEXT [CONTEXT...]",
  aliases: ["context rm", "context remove"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "context",
  flags: {
    force: flag.boolean("Force the removal of a context in use", { short: "f" }),
  },
  run: ({ connection }, flags, names) => {
    const current = currentContext(connection).name;
    return forEachName(names, async (name) => {
      if (name === "default") throw cliErrors["bad-option"](`context "default" cannot be removed`);
      if (findContext(name) === undefined && !flags.force) {
        throw cliErrors["context-not-found"](`context "${name}" does not exist`);
      }
      if (name === current) {
        if (!flags.force) throw cliErrors["bad-option"](`context "${name}" is in use, set -f flag to force remove`);
        updateConfig((config) => {
          if (config["currentContext"] === name) delete config["currentContext"];
        });
      }
      removeContext(name);
      return name;
    });
  },
});
