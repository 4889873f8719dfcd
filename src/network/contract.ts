/** One end of a published port. */
export type PortPublication = {
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** "" = all addresses. */
  readonly hostIp: string;
  /** 0 = any free port (49153-65535, then the ephemeral range); a range is tried in order. */
  readonly hostPort: number;
  readonly hostPortEnd?: number | undefined;
};

/** A published port as it is in force. */
export type PublishedPort = {
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly hostIp: string;
  readonly hostPort: number;
};

/** A container's place on one network. */
export type Endpoint = {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  readonly interfaceName: string;
  /** Host side of the veth; its counters are the container's, swapped. */
  readonly hostInterface: string;
  readonly macAddress: string;
  readonly ipv4: string;
  readonly ipv4PrefixLength: number;
  readonly gateway: string;
};

/** A network namespace made for one container, until its init holds it. */
export type Sandbox = {
  /**
   * Path of the network namespace for config.json (`/proc/<daemon>/fd/N`): no bind mount, so that a killed daemon
   * leaks nothing: the namespace dies with its last process and takes the veth along.
   */
  readonly path: string;
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly PublishedPort[];
  /** Closes the daemon's handle once the container's init holds the namespace. Idempotent. */
  release(): void;
};

/** What a container wants of the network. */
export type SandboxRequest = {
  readonly containerId: string;
  /** For messages; default the short id. */
  readonly containerName?: string | undefined;
  /** Networks to join by name or id; usually one: "bridge". Empty = `--network none` (loopback only). */
  readonly networks: readonly {
    readonly network: string;
    readonly ipv4?: string | undefined;
    readonly macAddress?: string | undefined;
    readonly aliases?: readonly string[] | undefined;
  }[];
  readonly publications: readonly PortPublication[];
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
};

/** A network as it is stored. */
export type NetworkRecord = {
  readonly id: string;
  readonly name: string;
  readonly driver: "bridge" | "host" | "null";
  readonly createdMs: number;
  readonly subnet?: string | undefined;
  readonly gateway?: string | undefined;
  readonly ipRange?: string | undefined;
  readonly internal: boolean;
  readonly bridgeName?: string | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
};

/** Networks, namespaces, addresses and published ports. Kernel work is synchronous netlink, about 2 ms for a start. */
export type NetworkService = {
  list(): readonly NetworkRecord[];
  /** Full id, then exact name, then id prefix; throws not-found `network X not found`. */
  get(reference: string): NetworkRecord;
  /** User-defined bridge networks. */
  create(request: {
    readonly name: string;
    readonly driver: string;
    readonly subnet?: string | undefined;
    readonly gateway?: string | undefined;
    readonly ipRange?: string | undefined;
    readonly internal: boolean;
    readonly options: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  }): Promise<NetworkRecord>;
  /** Refuses predefined networks (forbidden) and ones with endpoints (forbidden), in Docker's words. */
  remove(reference: string): Promise<void>;
  /** Endpoints of live containers on a network. */
  endpointsOf(networkId: string): readonly (Endpoint & { readonly containerId: string })[];
  /**
   * Makes the namespace, joins the networks and publishes the ports, in one go; undoes everything when a step fails.
   * A taken port is a conflict naming the holder: container, or process and pid of the host.
   */
  createSandbox(request: SandboxRequest): Promise<Sandbox>;
  /** Frees addresses and ports of an ended container. Idempotent. The namespace has died with its processes. */
  releaseContainer(containerId: string): void;
  /** After a daemon start: keeps what live containers hold, frees the rest, repairs bridge and nftables. */
  restore(liveContainerIds: ReadonlySet<string>): Promise<void>;
  /** Endpoints and ports a live container holds (from the database, so also after a restart). */
  describe(containerId: string): { readonly endpoints: readonly Endpoint[]; readonly ports: readonly PublishedPort[] };
  /** Stops reconciliation timers; leaves live containers' plumbing in place. */
  close(): Promise<void>;
  /** Removes the instance's bridge and tables from the host; for tests and uninstall. Containers must be gone. */
  destroy(): Promise<void>;
};

/** Builds `/etc/resolv.conf`: the host's, without loopback resolvers and comments, with the container's own options on top. */
export type ResolvConfOptions = {
  readonly hostResolvConf: string;
  readonly hostNetwork: boolean;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
};

/** Builds `/etc/hosts` as Docker does: localhost lines, own addresses with hostname, then `--add-host` (host-gateway resolved). */
export type HostsFileOptions = {
  readonly hostname: string;
  readonly domainname: string;
  readonly addresses: readonly string[];
  readonly extraHosts: readonly string[];
  readonly hostGateway: string | undefined;
};
