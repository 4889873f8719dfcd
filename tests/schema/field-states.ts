import { requestBodies } from "./request-fields.ts";

/** What becomes of a field of a request. */
export type FieldState = {
  /**
   * full: in force. limited: in force for some values, others are refused. dropped: not in force, the answer warns.
   * refused: an error. "no effect": taken as Docker takes it, which does nothing with it either.
   */
  readonly state: "full" | "limited" | "dropped" | "refused" | "no effect";
  readonly note: string;
};

type Row = readonly [endpoints: RegExp, fields: RegExp, state: FieldState["state"], note: string];

const create = /^POST \/containers\/create$/;
const update = /^POST \/containers\/\{id\}\/update$/;
const limits = /^POST \/containers\/(?:create|\{id\}\/update)$/;
const configs = /^POST \/(?:containers\/create|commit)$/;
const endpoints = /^POST \/(?:containers\/create|networks\/\{id\}\/connect)$/;

/** What is not simply in force; the first row that fits counts. `tests/conformance/fields.test.ts` holds it to the daemon. */
const rows: readonly Row[] = [
  [create, /^HostConfig\.Cgroup$/, "refused", "nothing ever used it; the namespace is `CgroupnsMode`"],
  [limits, /(?:^|\.)IOMaximum(?:IOps|Bandwidth)$/, "refused", "Windows's; Docker's words"],
  [limits, /(?:^|\.)Cpu(?:Count|Percent)$/, "dropped", "Windows's; Docker's warning"],
  [limits, /(?:^|\.)KernelMemory$/, "no effect", "below 1.42 a warning: the kernel has no such limit any more"],
  [create, /^HostConfig\.Isolation$/, "limited", "`default`; the others are Windows's"],
  [
    create,
    /^HostConfig\.Mounts\.Type$/,
    "limited",
    "`bind`, `volume`, `tmpfs`, `image`; `npipe` is Windows's, `cluster` a swarm's",
  ],
  [create, /^HostConfig\.Mounts\.Consistency$/, "no effect", "for file systems shared with a virtual machine"],
  [create, /^HostConfig\.ContainerIDFile$/, "no effect", "the client writes the file"],
  [configs, /^Attach(?:Stdin|Stdout|Stderr)$/, "no effect", "what the client means to attach; shown"],
  [configs, /^ArgsEscaped$/, "no effect", "Windows's; shown"],
  [/^POST \/commit$/, /^Image$/, "no effect", "the container's image stays the parent"],
  [
    /^POST \/commit$/,
    /^(?:Hostname|Domainname|Tty|OpenStdin|StdinOnce|NetworkDisabled|MacAddress|StopTimeout)$/,
    "no effect",
    "a container's, not an image's; Docker keeps it in the image's record, where nothing reads it",
  ],
  [update, /^CgroupParent$/, "refused", "unless it is the one the container has: its processes are there"],
  [update, /^Ulimits\.|^Device(?:s\.|CgroupRules|Requests)/, "full", "from the next start; Docker ignores it"],
  [
    endpoints,
    /\.(?:NetworkID|EndpointID|Gateway|IPAddress|IPPrefixLen|IPv6Gateway|GlobalIPv6Address|GlobalIPv6PrefixLen|DNSNames)$/,
    "no effect",
    "what inspect says of a place that is taken; clients send it back",
  ],
  [/\/exec$/, /^Detach$/, "no effect", "`exec start` says it"],
  [/^POST \/networks\/create$/, /^CheckDuplicate$/, "no effect", "always on, since 1.44 Docker's too"],
  [/^POST \/networks\/create$/, /^Scope$/, "limited", "`local`; the others are a swarm's"],
  [/^POST \/networks\/create$/, /^Ingress$/, "refused", "a swarm's"],
  [/^POST \/networks\/create$/, /^IPAM\.Driver$/, "limited", "`default`; there are no plugins"],
  [/^POST \/networks\/create$/, /^IPAM\.Options$/, "refused", "the default driver has none; Docker ignores them"],
  [/^POST \/volumes\/create$/, /^Driver$/, "limited", "`local`; there are no plugins"],
  [/^POST \/volumes\/create$/, /^ClusterVolumeSpec$/, "refused", "a swarm's"],
];

/** What becomes of a field; fields without a row are in force. */
export function fieldState(endpoint: string, field: string): FieldState {
  const row = rows.find(
    ([endpointPattern, fieldPattern]) => endpointPattern.test(endpoint) && fieldPattern.test(field),
  );
  return row === undefined ? { state: "full", note: "" } : { state: row[2], note: row[3] };
}

/** Rows that no field has. */
export function idleRows(): readonly string[] {
  const used = new Set<Row>();
  for (const [endpoint, fields] of requestBodies)
    for (const field of fields) {
      const row = rows.find(([one, other]) => one.test(endpoint) && other.test(field));
      if (row !== undefined) used.add(row);
    }
  return rows.filter((row) => !used.has(row)).map(([endpoint, field]) => `${endpoint} ${field}`);
}
