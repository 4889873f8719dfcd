import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";

export const command = defineCommand({
  summary: "Disconnect a container from a network",
  synopsis: "[OPTIONS] NETWORK CONTAINER",
  operands: { min: 2, max: 2 },
  completes: (index) => (index === 0 ? "network" : "container"),
  flags: {
    force: flag.boolean("Force the container to disconnect from a network", { short: "f" }),
  },
  async run({ client }, flags, [network = "", container = ""]) {
    await client.networks.disconnect(network, container, flags.force);
  },
});
