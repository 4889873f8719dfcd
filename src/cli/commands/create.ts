import { defineCommand } from "../command.ts";
import { createContainer } from "../container-options/create-container.ts";
import { containerFlags } from "../container-options/flags.ts";
import { chooseStreams, toCreateBody } from "../container-options/request.ts";
import { printFailure } from "../failure.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Create a new container",
  synopsis: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  aliases: ["container create", "create"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  stopAtOperand: true,
  completes: (index) => (index === 0 ? "image" : undefined),
  examples: [["Create a container now, start it later", "berth create --name job debian:bookworm ./work"]],
  flags: {
    ...containerFlags,
    pull: { ...containerFlags.pull, description: 'Pull image before creating ("always", "missing", "never")' },
  },
  async run({ client, path }, flags, [image = "", ...commandLine]) {
    let body: ReturnType<typeof toCreateBody>;
    try {
      body = toCreateBody(flags, image, commandLine, chooseStreams(flags, false));
    } catch (error) {
      printFailure(error, "berth: ");
      writeText(2, `\nRun 'berth ${path} --help' for more information\n`);
      return 125;
    }
    writeText(1, `${await createContainer(client, flags, body)}\n`);
    return 0;
  },
});
