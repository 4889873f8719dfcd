import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { showProgress } from "../output/progress.ts";

export const command = defineCommand({
  summary: "Make a base image from this distribution's own packages",
  synopsis: "[OPTIONS] NAME[:TAG]",
  operands: { min: 1, max: 1 },
  examples: [
    ["Debian 12, from the host's package sources", "berth image bootstrap debian:bookworm"],
    ["A small image with a shell", "berth image bootstrap busybox"],
    ["Debian for 64-bit ARM, run by QEMU", "berth image bootstrap debian:bookworm-slim --platform linux/arm64"],
    [
      "Under the name an application's Dockerfile asks for",
      "berth image bootstrap debian:bookworm --as python:3.9-slim-buster",
    ],
  ],
  flags: {
    as: flag.string("Name of the image, when it is to be another one", { typeName: "name" }),
    platform: flag.string('Platform to make it for (e.g., "linux/arm64"; needs QEMU)', { typeName: "platform" }),
    refresh: flag.boolean("Make it again, with the newest packages, though it is there"),
    suite: flag.string("Release of the distribution to install (default: the tag)", { typeName: "name" }),
  },
  async run({ client }, flags, [reference = ""]) {
    const records = client.images.bootstrap({
      reference,
      refresh: flags.refresh,
      as: flags.as === "" ? undefined : flags.as,
      suite: flags.suite === "" ? undefined : flags.suite,
      platform: flags.platform === "" ? undefined : flags.platform,
    });
    await showProgress(records, { descriptor: 1 });
  },
});
