import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { parseMap } from "../container-options/key-values.ts";

export const command = defineCommand({
  summary: "Connect a container to a network",
  synopsis: "[OPTIONS] NETWORK CONTAINER",
  operands: { min: 2, max: 2 },
  completes: (index) => (index === 0 ? "network" : "container"),
  examples: [["Reach a container under a second name", "berth network connect --alias cache backend redis"]],
  flags: {
    alias: flag.list("Add network-scoped alias for the container", { typeName: "strings" }),
    "driver-opt": flag.list("driver options for the network", { typeName: "strings" }),
    "gw-priority": flag.integer(
      "Highest gw-priority provides the default gateway. Accepts positive and negative values.",
    ),
    ip: flag.string('IPv4 address (e.g., "172.30.100.104")'),
    ip6: flag.string('IPv6 address (e.g., "2001:db8::33")'),
    link: flag.list("Add link to another container"),
    "link-local-ip": flag.list("Add a link-local address for the container", { typeName: "strings" }),
  },
  async run({ client }, flags, [network = "", container = ""]) {
    const address = { IPv4Address: flags.ip, IPv6Address: flags.ip6, LinkLocalIPs: [...flags["link-local-ip"]] };
    const hasAddress = flags.ip !== "" || flags.ip6 !== "" || flags["link-local-ip"].length > 0;
    await client.networks.connect(network, {
      Container: container,
      EndpointConfig: {
        IPAMConfig: hasAddress ? address : null,
        Links: [...flags.link],
        Aliases: [...flags.alias],
        DriverOpts: parseMap(flags["driver-opt"]),
        GwPriority: flags["gw-priority"] ?? 0,
      },
    });
  },
});
