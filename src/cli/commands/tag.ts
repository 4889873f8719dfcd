import { defineCommand } from "../command.ts";
import { splitReference } from "../references.ts";

export const command = defineCommand({
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  synopsis: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  aliases: ["image tag", "tag"],
  operands: { min: 2, max: 2 },
  completes: () => "image",
  examples: [["Give an image a second name", "berth tag shop:latest registry.example/shop:1.0"]],
  flags: {},
  async run({ client }, _flags, [source = "", target = ""]) {
    await client.images.tag(source, splitReference(target));
  },
});
