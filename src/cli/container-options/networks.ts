import type { EndpointSettings } from "#formats";
import { cliErrors } from "../errors.ts";
import { csvFields } from "../flags/csv-fields.ts";

export type NetworkFlags = {
  readonly network: readonly string[];
  readonly "network-alias": readonly string[];
  readonly "mac-address": string;
  readonly ip: string;
  readonly ip6: string;
  readonly "link-local-ip": readonly string[];
  readonly link: readonly string[];
};

export type NetworkChoice = {
  readonly mode: string;
  readonly endpoints: Record<string, EndpointSettings>;
};

type Attachment = {
  name: string;
  aliases: string[];
  ip: string;
  ip6: string;
  mac: string;
  linkLocal: string[];
  links: string[];
  priority: number;
  driverOptions: Record<string, string>;
};

/** Reads one `--network`: a name, or CSV of `name=`, `alias=`, `ip=`, `ip6=`, `mac-address=`, `driver-opt=`, … */
function parseOne(text: string): Attachment {
  const attachment: Attachment = {
    name: "",
    aliases: [],
    ip: "",
    ip6: "",
    mac: "",
    linkLocal: [],
    links: [],
    priority: 0,
    driverOptions: {},
  };
  if (!text.includes("=")) return { ...attachment, name: text };
  for (const field of csvFields("network", text)) {
    const equals = field.indexOf("=");
    const key = (equals < 0 ? field : field.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? "" : field.slice(equals + 1).trim();
    if (key === "name") attachment.name = value;
    else if (key === "alias") attachment.aliases.push(value);
    else if (key === "ip") attachment.ip = value;
    else if (key === "ip6") attachment.ip6 = value;
    else if (key === "mac-address") attachment.mac = value;
    else if (key === "link-local-ip") attachment.linkLocal.push(value);
    else if (key === "gw-priority") attachment.priority = Number(value);
    else if (key === "driver-opt") {
      const [name = "", ...rest] = value.split("=");
      attachment.driverOptions[name] = rest.join("=");
    } else throw cliErrors["bad-flag"](`invalid argument "${text}" for "--network" flag: invalid field ${field}`);
  }
  if (attachment.name === "") {
    throw cliErrors["bad-flag"](`invalid argument "${text}" for "--network" flag: network name/id is not specified`);
  }
  return attachment;
}

/** Networks a container can join, unlike the modes that stand for none or for somebody else's. */
function isUserDefined(name: string): boolean {
  return !["", "default", "bridge", "host", "none"].includes(name) && !name.startsWith("container:");
}

/** Joins `--network` with the flags that describe the first one. */
export function chooseNetworks(flags: NetworkFlags): NetworkChoice {
  const attachments = flags.network.map(parseOne);
  const first = attachments[0] ?? parseOne("");
  const conflict = (what: string) =>
    cliErrors["bad-option"](`conflicting options: cannot specify both --${what} and per-network ${what}`);
  if (flags["network-alias"].length > 0 && first.aliases.length > 0) throw conflict("network-alias");
  if (flags.ip !== "" && first.ip !== "") throw conflict("ip");
  if (flags["mac-address"] !== "" && first.mac !== "") throw conflict("mac-address");
  first.aliases.push(...flags["network-alias"]);
  first.ip ||= flags.ip;
  first.ip6 ||= flags.ip6;
  first.mac ||= flags["mac-address"];
  first.linkLocal.push(...flags["link-local-ip"]);
  // Links belong to the default bridge unless a network of the user's takes them.
  if (isUserDefined(first.name)) first.links.push(...flags.link);
  if (attachments.length > 1) {
    for (const { name } of attachments) {
      if (name === "host" || name === "none" || name.startsWith("container:")) {
        throw cliErrors["bad-option"](
          "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
        );
      }
    }
  }
  const endpoints: Record<string, EndpointSettings> = {};
  for (const each of attachments.length === 0 ? [first] : attachments) {
    const hasAddress = each.ip !== "" || each.ip6 !== "" || each.linkLocal.length > 0;
    const isPlain =
      !hasAddress &&
      each.aliases.length === 0 &&
      each.links.length === 0 &&
      each.mac === "" &&
      each.priority === 0 &&
      Object.keys(each.driverOptions).length === 0;
    if (each.name === "" && isPlain) continue;
    const key = each.name === "" ? "default" : each.name;
    if (key in endpoints) throw cliErrors["bad-option"](`conflicting options: network ${key} specified multiple times`);
    endpoints[key] = {
      IPAMConfig: hasAddress ? { IPv4Address: each.ip, IPv6Address: each.ip6, LinkLocalIPs: each.linkLocal } : null,
      Links: each.links.length === 0 ? null : each.links,
      Aliases: each.aliases.length === 0 ? null : each.aliases,
      MacAddress: each.mac,
      DriverOpts: Object.keys(each.driverOptions).length === 0 ? null : each.driverOptions,
      GwPriority: each.priority,
    };
  }
  return { mode: first.name === "" ? "default" : first.name, endpoints };
}
