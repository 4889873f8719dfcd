import { errors } from "./errors.ts";

/** What `--driver-opt` of one place on a network can say, parsed. */
export type EndpointOptions = {
  /** Name of the interface in the container. @default the network's prefix and a number */
  readonly interfaceName: string | undefined;
  /** Settings of the interface; "IFNAME" in the name stands for it. */
  readonly sysctls: readonly (readonly [string, string])[];
};

const known = {
  interfaceName: "com.docker.network.endpoint.ifname",
  sysctls: "com.docker.network.endpoint.sysctls",
} as const;

/**
 * Parses driver options of a container's place on a network; a malformed one is refused. Ones of other names are kept and
 * shown, as Docker does: clients put notes of their own there.
 */
export function parseEndpointOptions(options: Readonly<Record<string, string>>): EndpointOptions {
  const interfaceName = options[known.interfaceName];
  if (interfaceName !== undefined && (!/^[A-Za-z][\w.-]{0,14}$/.test(interfaceName) || interfaceName === "lo")) {
    throw errors["network-invalid-endpoint"](`${known.interfaceName}: "${interfaceName}" is not an interface name`);
  }
  const text = options[known.sysctls] ?? "";
  return { interfaceName, sysctls: text === "" ? [] : text.split(",").map(parseSysctl) };
}

function parseSysctl(text: string): readonly [string, string] {
  // "ifname" too: the docker command turns option values into lower case.
  const [, setting, value] = /^(net\.(?:ipv4|ipv6|mpls)\.\w+\.(?:IFNAME|ifname)\.\w+)=(.*)$/.exec(text.trim()) ?? [];
  if (setting === undefined || value === undefined) {
    throw errors["network-invalid-endpoint"](
      `unrecognised network interface sysctl '${text}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
    );
  }
  return [setting, value];
}

/** Settings with the interface's name in them, as paths below /proc/sys, for a name may hold dots. */
export function sysctlsOf({ sysctls }: EndpointOptions, interfaceName: string): readonly (readonly [string, string])[] {
  return sysctls.map(([setting, value]) => {
    const parts = setting.split(".");
    return [parts.map((part) => (/^ifname$/i.test(part) ? interfaceName : part)).join("/"), value];
  });
}
