import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { parseMap } from "../container-options/key-values.ts";
import { parseIpam } from "../container-options/ipam.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";

export const command = defineCommand({
  summary: "Create a network",
  synopsis: "[OPTIONS] NETWORK",
  operands: { min: 1, max: 1 },
  examples: [
    ["A network whose containers find each other by name", "berth network create backend"],
    ["With a subnet of your choice", "berth network create --subnet 172.30.0.0/24 --gateway 172.30.0.1 lab"],
  ],
  flags: {
    attachable: flag.boolean("Enable manual container attachment"),
    "aux-address": flag.list("Auxiliary IPv4 or IPv6 addresses used by Network driver", {
      typeName: "map",
      shownDefault: "map[]",
    }),
    "config-from": flag.string("The network from which to copy the configuration"),
    "config-only": flag.boolean("Create a configuration only network"),
    driver: flag.string("Driver to manage the Network", { short: "d", default: "bridge" }),
    gateway: flag.list("IPv4 or IPv6 Gateway for the master subnet", { typeName: "strings" }),
    ingress: flag.boolean("Create swarm routing-mesh network"),
    internal: flag.boolean("Restrict external access to the network"),
    "ip-range": flag.list("Allocate container ip from a sub-range", { typeName: "strings" }),
    "ipam-driver": flag.string("IP Address Management Driver", { default: "default" }),
    "ipam-opt": flag.list("Set IPAM driver specific options", { typeName: "map", shownDefault: "map[]" }),
    ipv4: flag.boolean("Enable or disable IPv4 address assignment", { default: true }),
    ipv6: flag.boolean("Enable or disable IPv6 address assignment"),
    label: flag.list("Set metadata on a network"),
    opt: flag.list("Set driver specific options", { short: "o", typeName: "map", shownDefault: "map[]" }),
    scope: flag.string("Control the network's scope"),
    subnet: flag.list("Subnet in CIDR format that represents a network segment", { typeName: "strings" }),
  },
  async run({ client }, flags, [name = ""], given) {
    const answer = await client.networks.create({
      Name: name,
      Driver: flags.driver,
      Options: parseMap(flags.opt),
      IPAM: {
        Driver: flags["ipam-driver"],
        Options: parseMap(flags["ipam-opt"]),
        Config: parseIpam(flags.subnet, flags["ip-range"], flags.gateway, flags["aux-address"]),
      },
      Internal: flags.internal,
      Ingress: flags.ingress,
      ConfigOnly: flags["config-only"],
      ...(flags["config-from"] !== "" && { ConfigFrom: { Network: flags["config-from"] } }),
      Scope: flags.scope,
      Attachable: flags.attachable,
      Labels: parseMap(flags.label),
      ...(given.has("ipv4") && { EnableIPv4: flags.ipv4 }),
      ...(given.has("ipv6") && { EnableIPv6: flags.ipv6 }),
    });
    if (answer.Warning !== undefined && answer.Warning !== "") writeText(2, `WARNING: ${printable(answer.Warning)}\n`);
    writeText(1, `${answer.Id}\n`);
  },
});
