import { errors } from "../errors.ts";
import { commonOptions, isKnown, parseInterfacePrefix, parseMtu } from "../network-options.ts";

/** What `--opt` of a macvlan or ipvlan network can say, parsed. */
export type LanOptions = {
  /** Interface of the host, or "eth0.10" for VLAN 10 on it; "" = one that leads nowhere. */
  readonly parent: string;
  readonly mtu: number | undefined;
  readonly interfacePrefix: string;
} & (
  | { readonly driver: "macvlan"; readonly mode: "bridge" | "private" | "vepa" | "passthru" }
  | {
      readonly driver: "ipvlan";
      /** @default "l2" */
      readonly mode: "l2" | "l3" | "l3s";
      readonly flag: "bridge" | "private" | "vepa";
    }
);

const macvlanModes = ["bridge", "private", "vepa", "passthru"] as const;
const ipvlanModes = ["l2", "l3", "l3s"] as const;
const ipvlanFlags = ["bridge", "private", "vepa"] as const;

/** Parses driver options of a macvlan or ipvlan network; an unknown or malformed one is refused, not ignored. */
export function parseLanOptions(driver: "macvlan" | "ipvlan", options: Readonly<Record<string, string>>): LanOptions {
  const own = driver === "macvlan" ? ["parent", "macvlan_mode"] : ["parent", "ipvlan_mode", "ipvlan_flag"];
  const all = [...own, ...Object.values<string>(commonOptions)];
  for (const name of Object.keys(options)) {
    if (!isKnown(name, all)) throw errors["network-invalid-option"](name, `unknown; known are ${all.join(", ")}`);
  }
  const parent = options["parent"] ?? "";
  if (parent !== "" && !/^[A-Za-z0-9][\w.@-]{0,14}$/.test(parent)) {
    throw errors["network-invalid-option"]("parent", `"${parent}" is not an interface name`);
  }
  const shared = { parent, mtu: parseMtu(options), interfacePrefix: parseInterfacePrefix(options) };
  if (driver === "macvlan") return { ...shared, driver, mode: oneOf(options, "macvlan_mode", macvlanModes) };
  return {
    ...shared,
    driver,
    mode: oneOf(options, "ipvlan_mode", ipvlanModes),
    flag: oneOf(options, "ipvlan_flag", ipvlanFlags),
  };
}

/** The first of the values is the default. */
function oneOf<Value extends string>(
  options: Readonly<Record<string, string>>,
  name: string,
  values: readonly [Value, ...Value[]],
): Value {
  const text = options[name];
  if (text === undefined || text === "") return values[0];
  const found = values.find((value) => value === text);
  if (found === undefined) {
    throw errors["network-invalid-option"](
      name,
      `requested mode '${text}' is not valid, it is one of ${values.join(", ")}`,
    );
  }
  return found;
}
