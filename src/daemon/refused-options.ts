import { errors } from "./errors.ts";

const noSwarm = "this daemon takes no part in a swarm";
const noPlugins = "this daemon has no plugins";
const noContainerd = "this daemon runs containers without containerd";
const needsFirewall = "published ports and networks are nftables rules in a table of the daemon's own";

/** Options of dockerd's that would change nothing here or cannot be had, and why, by their names as flags. */
const reasons: Readonly<Record<string, string>> = {
  "allow-nondistributable-artifacts": "Docker has retired it; such layers are pushed like all others",
  "authorization-plugin": noPlugins,
  bridge:
    "the default bridge is the daemon's own; run containers with --network none, or make a network with the bridge's name",
  containerd: noContainerd,
  "containerd-namespace": noContainerd,
  "containerd-plugins-namespace": noContainerd,
  "cri-containerd": noContainerd,
  "metrics-addr": "this daemon serves no metrics",
  "network-control-plane-mtu": noSwarm,
  "node-generic-resource": noSwarm,
  rootless: "the daemon needs to be run as root",
  "swarm-default-advertise-addr": noSwarm,
  "userland-proxy-path": "the daemon is its own proxy; --userland-proxy=false turns it off",
  builder: "the build cache is pruned with `berth builder prune`",
};

/** Switches that have one position here: the other is refused. */
const fixed: Readonly<Record<string, { readonly only: boolean; readonly why: string }>> = {
  iptables: { only: true, why: needsFirewall },
  ip6tables: { only: true, why: needsFirewall },
  "ip-forward-no-drop": { only: true, why: "the daemon never changes the policy of a chain that is not its own" },
  "selinux-enabled": { only: false, why: "this daemon sets no SELinux labels" },
  "live-restore": { only: true, why: "containers always outlive the daemon" },
};

/** In daemon.json some have other names than as flags. */
const namesInFile: Readonly<Record<string, string>> = {
  "authorization-plugins": "authorization-plugin",
  "node-generic-resources": "node-generic-resource",
};

/** Flags that are known and refused, for parseArgs; their values do not matter. */
export const refusedFlags: Readonly<Record<string, { readonly type: "string" | "boolean"; readonly short?: "b" }>> =
  Object.fromEntries([
    ...Object.keys(reasons)
      .filter((name) => name !== "builder")
      .map((name) => {
        const type: "string" | "boolean" = name === "rootless" || name === "cri-containerd" ? "boolean" : "string";
        return [name, name === "bridge" ? { type, short: "b" as const } : { type }] as const;
      }),
    ...Object.keys(fixed).map((name) => [name, { type: "boolean" as const }] as const),
  ]);

/** Throws for the first option that is refused. `bridge: ""`, `rootless: false` and their kin say nothing, as in Docker. */
function refuse(name: string, value: unknown): void {
  const isEmpty =
    value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0);
  const reason = reasons[name];
  if (reason !== undefined && !isEmpty) throw errors.daemonOptionRefused(name, reason);
  const position = fixed[name];
  if (position !== undefined && value !== undefined && value !== position.only) {
    throw errors.daemonOptionRefused(`${name}=${JSON.stringify(value)}`, position.why);
  }
}

/** Checks what was given as flags. */
export function refuseFlags(values: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(refusedFlags)) refuse(name, values[name]);
}

/** Takes the options that are known and refused out of a configuration file, or throws. */
export function withoutRefused(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(document)) {
    const flag = namesInFile[name] ?? name;
    if (flag in reasons || flag in fixed) refuse(flag, value);
    else result[name] = value;
  }
  return result;
}
