import { defineErrors } from "#base";

/** What the HTTP form of the API can refuse. Wording that clients match on is Docker's. */
export const serverErrors = defineErrors({
  "network-out-of-scope": { kind: "not-found", message: (reference: string) => `network ${reference} not found` },
  "page-not-found": { kind: "not-found", message: () => "page not found" },
  "client-too-old": {
    kind: "invalid",
    message: (version: string, minimum: string) =>
      `client version ${version} is too old. Minimum supported API version is ${minimum}, please upgrade your client to a newer version`,
  },
  "client-too-new": {
    kind: "invalid",
    message: (version: string, maximum: string) =>
      `client version ${version} is too new. Maximum supported API version is ${maximum}`,
  },
  "image-unnamed": { kind: "invalid", message: () => "image name cannot be blank" },
  "malformed-request": { kind: "invalid", message: (reason: string) => `malformed request: ${reason}` },
  "name-too-long": {
    kind: "invalid",
    message: () => "a name or a path of the request is longer than the kernel allows",
    hint: () => "a path has at most 4095 bytes, each name in it at most 255",
  },
  // The sentence is that of the field's own schema: Docker's, as clients know it.
  "invalid-field": { kind: "invalid", message: (sentence: string) => sentence },
  "upgrade-missing": { kind: "invalid", message: () => "no upgrade proto in request" },
  "upgrade-unknown": { kind: "invalid", message: (protocol: string) => `protocol ${protocol} not supported` },
  "invalid-json": { kind: "invalid", message: (reason: string) => `invalid JSON: ${reason}` },
  "invalid-body": { kind: "invalid", message: (reason: string) => `invalid request body: ${reason}` },
  "unsupported-media-type": {
    kind: "invalid",
    message: (type: string) => `unsupported media type: "${type}", must be "application/json"`,
  },
  "invalid-parameter": {
    kind: "invalid",
    message: (name: string, value: string, expected: string) => `invalid ${name} "${value}": expected ${expected}`,
  },
  "invalid-filter": {
    kind: "invalid",
    message: (filter: string) => `invalid filter${filter === "" ? "" : ` '${filter}'`}`,
  },
  "invalid-filter-value": {
    kind: "invalid",
    message: (key: string, value: string) => `invalid filter '${key}=${value}'`,
  },
  "invalid-detach-keys": { kind: "invalid", message: (keys: string) => `Invalid detach keys (${keys}) provided` },
  "no-log-stream": {
    kind: "invalid",
    message: () => "Bad parameters: you must choose at least one stream",
  },
  "start-with-body": {
    kind: "invalid",
    message: () => "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
  },
  "one-shot-stream": { kind: "invalid", message: () => "cannot have stream=true and one-shot=true" },
  "since-after-until": {
    kind: "invalid",
    message: (since: string, until: string) => `\`since\` time (${since}) cannot be after \`until\` time (${until})`,
  },
  "invalid-size": { kind: "invalid", message: (side: string, value: string) => `invalid resize ${side}: "${value}"` },
  "multiple-endpoints": {
    kind: "invalid",
    message: (names: string) => `Container cannot be created with multiple network endpoints: ${names}`,
  },
  "mount-options-mismatch": {
    kind: "invalid",
    message: (block: string, type: string) => `${block} must not be specified on mount type "${type}"`,
  },
  "needs-newer-version": {
    kind: "invalid",
    message: (field: string, version: string) => `${field} needs API v${version} or newer`,
  },
  "network-mode-mismatch": {
    kind: "invalid",
    message: () => "HostConfig.NetworkMode must match the identity of a network in NetworkSettings.Networks",
  },
  "mac-address-mismatch": {
    kind: "invalid",
    message: () =>
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
  },
  "sysctl-needs-endpoint": {
    kind: "invalid",
    message: (name: string) =>
      `interface specific sysctl setting "${name}" must be supplied using driver option 'com.docker.network.endpoint.sysctls'`,
  },
  "sysctl-without-endpoint": {
    kind: "invalid",
    message: (name: string) =>
      `unable to determine network endpoint for sysctl ${name}, use driver option 'com.docker.network.endpoint.sysctls' to set per-interface sysctls`,
  },
  "unknown-usage-type": { kind: "invalid", message: (type: string) => `unknown object type: ${type}` },
  "image-platform-mismatch": {
    kind: "not-found",
    message: (reference: string, wanted: string, actual: string) =>
      `image with reference ${reference} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  "manifests-and-platform": {
    kind: "invalid",
    message: () => "conflicting options: manifests and platform options cannot both be set",
  },
  "experimental-only": {
    kind: "unsupported",
    message: () =>
      "This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.",
  },
  "websocket-required": {
    kind: "invalid",
    message: () => "this call needs a WebSocket handshake (RFC 6455, version 13)",
  },
  "import-needs-source": {
    kind: "invalid",
    message: () => "fromImage names what to pull, fromSrc what to import: an address, or - for the body of the request",
  },
  "import-download-failed": {
    kind: "invalid",
    message: (url: string, reason: string) => `failed to import from ${url}: ${reason}`,
    hint: () => "The daemon fetches it, not the command: the address must be reachable from its machine.",
  },
  "search-limit": {
    kind: "invalid",
    message: (limit: number) => `limit ${limit} is outside the range of [1, 100]`,
  },
  "not-a-swarm-manager": {
    kind: "unavailable",
    message: () =>
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  },
  "not-in-a-swarm": { kind: "unavailable", message: () => "This node is not part of a swarm" },
  "swarm-unsupported": {
    kind: "unsupported",
    message: () => "this engine runs on one machine and has no swarm mode",
  },
  "no-such-plugin": { kind: "not-found", message: (name: string) => `plugin "${name}" not found` },
  "plugins-unsupported": { kind: "unsupported", message: () => "this engine has no managed plugins" },
  "plain-tcp-refused": {
    kind: "forbidden",
    message: (reason: string) => `request refused: ${reason} is not accepted on TCP without TLS client certificates`,
    hint: (_reason: string) => "A web page may be trying to reach the engine; use the unix socket or TLS",
  },
  "prune-until": {
    kind: "invalid",
    message: () => "more than one until filter specified",
  },
  "prune-running": { kind: "conflict", message: () => "a prune operation is already running" },
  "invalid-listen-address": {
    kind: "invalid",
    message: (text: string) => `invalid listen address "${text}": expected unix:///path or tcp://host:port`,
  },
  "address-in-use": {
    kind: "conflict",
    message: (address: string) => `cannot listen on ${address}: another program already does`,
  },
  "cannot-listen": {
    kind: "internal",
    message: (address: string, reason: string) => `cannot listen on ${address}: ${reason}`,
  },
  "no-such-group": {
    kind: "invalid",
    message: (group: string) => `the group "${group}" for the socket does not exist`,
  },
  "no-such-build": {
    kind: "not-found",
    message: (reference: string) => `no build found for ${JSON.stringify(reference)}`,
    hint: () => "`berth builder history ls` lists them.",
  },
  "build-without-dockerfile": {
    kind: "invalid",
    message: (file: string) => `the request brings neither the Dockerfile ${file} nor a context that holds it`,
  },
  "build-without-context": { kind: "invalid", message: () => "the request names no build context" },
  "build-directory-elsewhere": {
    kind: "precondition",
    message: (path: string) => `the directory ${JSON.stringify(path)} is not one that client and daemon share`,
    hint: () => "Send its files as an archive.",
  },
  "build-cache-empty": {
    kind: "not-found",
    message: (path: string) => `there is no cache at ${path}`,
  },
  "build-output-lost": { kind: "cancelled", message: () => "the client left before its output was complete" },
});
