import { cliErrors } from "../errors.ts";
import { defineCommand } from "../command.ts";
import { writeText } from "../output/write.ts";

function hostPort(address: string, port: string): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function byPort(left: string, right: string): number {
  const [leftPort = "", leftProtocol = ""] = left.split("/");
  const [rightPort = "", rightProtocol = ""] = right.split("/");
  return Number(leftPort) - Number(rightPort) || (leftProtocol < rightProtocol ? -1 : 1);
}

export const command = defineCommand({
  summary: "List port mappings or a specific mapping for the container",
  synopsis: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  aliases: ["container port", "port"],
  operands: { min: 1, max: 2 },
  completes: (index) => (index === 0 ? "container" : undefined),
  examples: [["Where is port 80 of a container published?", "berth port web 80"]],
  flags: {},
  async run({ client }, _flags, [name = "", wanted]) {
    const ports = (await client.containers.inspect(name)).NetworkSettings.Ports ?? {};
    if (wanted !== undefined) {
      const [port = "", protocol = "tcp"] = wanted.split("/");
      const bindings = ports[`${port}/${protocol}`];
      if (bindings === undefined || bindings === null || bindings.length === 0) {
        throw cliErrors["bad-option"](`Error: No public port '${wanted}' published for ${name}`);
      }
      for (const { HostIp, HostPort } of bindings) writeText(1, `${hostPort(HostIp ?? "", HostPort ?? "")}\n`);
      return;
    }
    for (const key of Object.keys(ports).sort(byPort)) {
      for (const { HostIp, HostPort } of ports[key] ?? []) {
        writeText(1, `${key} -> ${hostPort(HostIp ?? "", HostPort ?? "")}\n`);
      }
    }
  },
});
