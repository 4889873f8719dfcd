import { defineErrors } from "#base";

/** Errors of networks; most sentences are Docker's, because clients match on them. */
export const errors = defineErrors({
  "network-not-found": {
    kind: "not-found",
    message: (reference: string) => `network ${reference} not found`,
  },
  "network-ambiguous": {
    kind: "invalid",
    message: (reference: string, matches: number) =>
      `network ${reference} is ambiguous (${matches} matches found based on ID prefix)`,
  },
  "network-name-in-use": {
    kind: "conflict",
    message: (name: string) => `network with name ${name} already exists`,
  },
  "network-invalid-name": {
    kind: "invalid",
    message: (name: string) =>
      `invalid network name ${JSON.stringify(name)}: it must not be empty, nor hold "/", ":" or control characters`,
  },
  "network-predefined": {
    kind: "forbidden",
    message: (name: string) => `operation is not permitted on predefined ${name} network`,
  },
  "network-predefined-remove": {
    kind: "forbidden",
    message: (name: string) => `${name} is a pre-defined network and cannot be removed`,
  },
  "network-active-endpoints": {
    kind: "forbidden",
    message: (name: string, id: string, endpoints: string) =>
      `error while removing network: network ${name} id ${id} has active endpoints (${endpoints})`,
    hint: () => "Stop these containers first",
  },
  "network-driver-not-found": {
    kind: "not-found",
    message: (driver: string) => `could not find plugin ${driver} in v1 plugin registry: plugin "${driver}" not found`,
    hint: () => "Use the driver bridge, macvlan or ipvlan",
  },
  "network-single-instance": {
    kind: "forbidden",
    message: (driver: string) => `only one instance of "${driver}" network is allowed`,
  },
  "network-invalid-config": {
    kind: "invalid",
    message: (problems: readonly string[]) =>
      `invalid network config:\n${problems.length === 1 ? problems.join("") : problems.map((problem) => `* ${problem}`).join("\n")}`,
  },
  "network-invalid-address": {
    kind: "invalid",
    message: (what: string, value: string, reason: string) => `invalid ${what} ${JSON.stringify(value)}: ${reason}`,
  },
  "network-invalid-option": {
    kind: "invalid",
    message: (name: string, reason: string) => `invalid network option ${name}: ${reason}`,
  },
  "network-pool-overlaps": {
    kind: "forbidden",
    message: () => "Pool overlaps with other one on this address space",
    hint: () => "Choose a subnet that no other network uses",
  },
  "network-pools-exhausted": {
    kind: "exhausted",
    message: () => "all predefined address pools have been fully subnetted",
    hint: () => "Remove unused networks or give a subnet",
  },
  "network-addresses-exhausted": {
    kind: "exhausted",
    message: (name: string, subnet: string) =>
      `no available IPv4 addresses on this network's address pools: ${name} (${subnet})`,
  },
  "network-ipv6-addresses-exhausted": {
    kind: "exhausted",
    message: (name: string, subnet: string) =>
      `no available IPv6 addresses on this network's address pools: ${name} (${subnet})`,
  },
  "network-address-in-use": { kind: "forbidden", message: () => "Address already in use" },
  "network-address-not-allowed": {
    kind: "invalid",
    message: (isDefault: "default bridge" | "automatic subnet") =>
      isDefault === "default bridge"
        ? "invalid endpoint settings:\nuser specified IP address is supported on user defined networks only"
        : "invalid endpoint settings:\nuser specified IP address is supported only when connecting to networks with user configured subnets",
  },
  "network-address-outside": {
    kind: "invalid",
    message: (address: string) =>
      `invalid endpoint settings:\nno configured subnet or ip-range contain the IP address ${address}`,
  },
  "network-invalid-endpoint": {
    kind: "invalid",
    message: (problem: string) => `invalid endpoint settings:\n${problem}`,
  },
  "network-not-for-many": {
    kind: "invalid",
    message: (driver: "host" | "null") =>
      driver === "host"
        ? "cannot connect container to host network - container must be created in host network mode"
        : "container cannot be connected to multiple networks with one of the networks in private (none) mode",
  },
  "network-endpoint-exists": {
    kind: "forbidden",
    message: (container: string, network: string) =>
      `endpoint with name ${container} already exists in network ${network}`,
  },
  "network-config-only": {
    kind: "forbidden",
    message: () => "cannot create endpoint on configuration-only network",
    hint: () => "Create a network from it with --config-from",
  },
  "network-config-only-fields": {
    kind: "forbidden",
    message: () =>
      "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.",
  },
  "network-config-nested": {
    kind: "forbidden",
    message: () => "a configuration network cannot depend on another configuration network",
  },
  "network-config-given": {
    kind: "forbidden",
    message: () => "user specified configurations are not supported if the network depends on a configuration network",
  },
  "network-config-options": {
    kind: "forbidden",
    message: () => "network driver options are not supported if the network depends on a configuration network",
  },
  "network-config-missing": {
    kind: "not-found",
    message: (name: string) => `configuration network ${JSON.stringify(name)}: network ${name} not found`,
  },
  "network-not-config": {
    kind: "invalid",
    message: (name: string) => `network ${JSON.stringify(name)} is not a configuration network`,
  },
  "network-config-in-use": {
    kind: "forbidden",
    message: (name: string) => `configuration network ${JSON.stringify(name)} is in use`,
  },
  "network-needs-swarm": {
    kind: "forbidden",
    message: () =>
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    hint: () => "Berth has no swarm: use the drivers bridge, macvlan or ipvlan",
  },
  "network-ipam-driver-not-found": {
    kind: "not-found",
    message: (driver: string) => `could not find plugin ${driver} in v1 plugin registry: plugin "${driver}" not found`,
    hint: () => "Use the address driver default",
  },
  "network-no-family": {
    kind: "invalid",
    message: () => "IPv4 or IPv6 must be enabled",
  },
  "network-parent-in-use": {
    kind: "forbidden",
    message: (network: string, parent: string) => `network ${network} is already using parent interface ${parent}`,
  },
  "network-parent-missing": {
    kind: "invalid",
    message: (parent: string) => `-o parent interface was not found on the host: ${parent}`,
  },
  "network-kernel-lacks": {
    kind: "unsupported",
    message: (what: string, _module: string) => `the host's kernel has no ${what}`,
    hint: (_what: string, module: string) => `Load the kernel module ${module}, where the kernel has it`,
  },
  "network-invalid-sysctl": {
    kind: "invalid",
    message: (name: string) => `sysctl ${JSON.stringify(name)} is not in a container's network namespace`,
  },
  "network-sysctl-refused": {
    kind: "invalid",
    message: (name: string, value: string, reason: string) =>
      `Cannot set sysctl ${name} to ${JSON.stringify(value)}: ${reason}`,
  },
  "network-interface-exists": {
    kind: "conflict",
    message: (name: string) => `network interface ${name} already exists and is not a bridge of this daemon`,
  },
  "network-port-allocated": {
    kind: "conflict",
    // Docker's sentence, and who: clients show no hint.
    message: (endpoint: string, address: string, port: number, holder: string) =>
      `driver failed programming external connectivity on endpoint ${endpoint}: Bind for ${address}:${port} failed: port is already allocated by container ${holder}`,
    hint: () => "Stop that container or publish another port",
  },
  "network-port-in-use": {
    kind: "conflict",
    message: (endpoint: string, binding: string, reason: string, _hint: string) =>
      `driver failed programming external connectivity on endpoint ${endpoint}: failed to bind host port for ${binding}: ${reason}`,
    hint: (_endpoint: string, _binding: string, _reason: string, hint: string) => hint,
  },
  "network-ports-exhausted": {
    kind: "exhausted",
    message: (endpoint: string, address: string, first: number, last: number) =>
      `driver failed programming external connectivity on endpoint ${endpoint}: Bind for ${address}:${first}-${last} failed: all ports are allocated`,
  },
  "network-host-address": {
    kind: "invalid",
    message: (address: string, reason: string) =>
      `invalid host address ${JSON.stringify(address)} of a published port: ${reason}`,
  },
  "network-invalid-extra-host": {
    kind: "invalid",
    message: (entry: string, reason: string) => `invalid extra host ${JSON.stringify(entry)}: ${reason}`,
  },
});
