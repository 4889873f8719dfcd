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
  /** "" with port 0: a routed network has it open on the container's own address. */
  readonly hostIp: string;
  readonly hostPort: number;
};

/** A container's place on one network. */
export type Endpoint = {
  readonly networkId: string;
  readonly networkName: string;
  readonly endpointId: string;
  /** "" on the host's own network. */
  readonly interfaceName: string;
  /** Host side of the veth; its counters are the container's, swapped. "" when there is none. */
  readonly hostInterface: string;
  readonly macAddress: string;
  /** "" without one, as all addresses here. */
  readonly ipv4: string;
  readonly ipv4PrefixLength: number;
  readonly gateway: string;
  readonly ipv6: string;
  readonly ipv6PrefixLength: number;
  readonly ipv6Gateway: string;
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
  /** A name server answers at 127.0.0.11: the container is on a network of a user's. */
  readonly hasNameServer: boolean;
  /** Closes the daemon's handle once the container's init holds the namespace. Idempotent. */
  release(): void;
};

/** A network a container is to be on, and how. */
export type JoinRequest = {
  /** Name or id. */
  readonly network: string;
  readonly ipv4?: string | undefined;
  readonly ipv6?: string | undefined;
  readonly linkLocalAddresses?: readonly string[] | undefined;
  readonly macAddress?: string | undefined;
  /** The network with the highest leads out; among equals the first by name. @default 0 */
  readonly gatewayPriority?: number | undefined;
  /** `com.docker.network.endpoint.*`. */
  readonly driverOptions?: Readonly<Record<string, string>> | undefined;
  /** What others on the network call the container; the first is what a reverse lookup tells. */
  readonly names?: readonly string[] | undefined;
  /** What this container alone calls others: alias → name. */
  readonly links?: Readonly<Record<string, string>> | undefined;
};

/** What a container's name server asks about names that are not a container's. */
export type NameServerSettings = {
  /** The container's own (`--dns`); empty = the host's. */
  readonly servers: readonly string[];
};

/** What a container wants of the network. */
export type SandboxRequest = {
  readonly containerId: string;
  /** For messages; default the short id. */
  readonly containerName?: string | undefined;
  /** Networks to join; usually one: "bridge". Empty = `--network none` (loopback only). */
  readonly networks: readonly JoinRequest[];
  readonly publications: readonly PortPublication[];
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  readonly nameServer?: NameServerSettings | undefined;
  /** An empty network namespace to use, of a user namespace of its own; stays the caller's. @default a new one */
  readonly namespace?: number | undefined;
};

/** A running container that joins or leaves a network. */
export type ConnectRequest = {
  readonly containerId: string;
  readonly containerName: string;
  /** `/proc/<pid>/ns/net` of the container. */
  readonly namespacePath: string;
  readonly publications: readonly PortPublication[];
  readonly nameServer: NameServerSettings;
};

/** A live container, as `restore` needs to know it. */
export type LiveContainer = Pick<ConnectRequest, "namespacePath" | "nameServer">;

/** Who makes a network's interfaces. */
export type NetworkDriver = "bridge" | "host" | "null" | "macvlan" | "ipvlan";

/** One subnet of a network. */
export type NetworkPool = {
  readonly subnet: string;
  readonly gateway?: string | undefined;
  readonly ipRange?: string | undefined;
  readonly auxiliaryAddresses?: Readonly<Record<string, string>> | undefined;
  /** A person chose it: only then may addresses be asked for. */
  readonly given: boolean;
};

/** A network as it is stored. */
export type NetworkRecord = {
  readonly id: string;
  readonly name: string;
  readonly driver: NetworkDriver;
  readonly createdMs: number;
  readonly enableIpv4: boolean;
  readonly enableIpv6: boolean;
  readonly pools: readonly NetworkPool[];
  readonly ipamDriver: string;
  /** Null when the client sent none, and shown so. */
  readonly ipamOptions: Readonly<Record<string, string>> | null;
  readonly internal: boolean;
  readonly attachable: boolean;
  /** Only a template for others. */
  readonly configOnly: boolean;
  /** Name of the template; "" = none. */
  readonly configFrom: string;
  readonly bridgeName?: string | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
};

/** A network that is asked for. */
export type NetworkRequest = {
  readonly name: string;
  /** "" = bridge. */
  readonly driver: string;
  readonly pools: readonly {
    readonly subnet?: string | undefined;
    readonly gateway?: string | undefined;
    readonly ipRange?: string | undefined;
    readonly auxiliaryAddresses?: Readonly<Record<string, string>> | undefined;
  }[];
  readonly enableIpv4?: boolean | undefined;
  readonly enableIpv6?: boolean | undefined;
  /** "" = default. */
  readonly ipamDriver: string;
  /** Null when the client sent none, and shown so. */
  readonly ipamOptions: Readonly<Record<string, string>> | null;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  /** "" = local. */
  readonly scope: string;
  readonly configOnly: boolean;
  readonly configFrom: string;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
};

/** Ports of one container that another is linked to. */
export type LinkedPorts = {
  readonly containerId: string;
  /** As in `ExposedPorts`: "80/tcp". */
  readonly ports: readonly string[];
};

/** Networks, namespaces, addresses and published ports. Kernel work is synchronous netlink, about 2 ms for a start. */
export type NetworkService = {
  list(): readonly NetworkRecord[];
  /** Full id, then exact name, then id prefix; throws not-found `network X not found`. */
  get(reference: string): NetworkRecord;
  /** True for bridge, host and none. */
  isPredefined(record: NetworkRecord): boolean;
  /** Makes a network of a user's; all or nothing. */
  create(request: NetworkRequest): Promise<NetworkRecord>;
  /** Refuses predefined networks (forbidden) and ones with endpoints (forbidden), in Docker's words. */
  remove(reference: string): Promise<void>;
  /** Endpoints of live containers on a network. */
  endpointsOf(networkId: string): readonly (Endpoint & { readonly containerId: string })[];
  /** Throws what is wrong with joining a network like this, before anything is made: invalid, in Docker's words. */
  checkJoin(request: JoinRequest): void;
  /**
   * Makes the namespace, joins the networks and publishes the ports, in one go; undoes everything when a step fails.
   * A taken port is a conflict naming the holder: container, or process and pid of the host.
   */
  createSandbox(request: SandboxRequest): Promise<Sandbox>;
  /** Puts a running container on a further network; undoes everything when a step fails. Forbidden when it is on it. */
  connect(request: ConnectRequest, join: JoinRequest): Promise<Endpoint>;
  /** Takes a running container off a network, which takes the kernel some 30 ms, on another thread. Returns false when it was not on it. */
  disconnect(request: ConnectRequest, networkId: string): Promise<boolean>;
  /** Gives a running container other names; `namesOn` says which, by network id. */
  rename(containerId: string, name: string, namesOn: (networkId: string) => readonly string[]): void;
  /** Frees addresses and ports of an ended container. Idempotent. The namespace has died with its processes. */
  releaseContainer(containerId: string): void;
  /**
   * Says which ports of neighbours on the default bridge a container reaches when containers do not reach each other
   * (`icc`): those of its links, all of them, in place of what was said before. Forgotten when either ends.
   */
  setLinks(containerId: string, links: readonly LinkedPorts[]): void;
  /** After a daemon start: keeps what live containers hold, frees the rest, repairs bridges, nftables and name servers. */
  restore(live: ReadonlyMap<string, LiveContainer>): Promise<void>;
  /** Endpoints and ports a live container holds (from the database, so also after a restart). */
  describe(containerId: string): { readonly endpoints: readonly Endpoint[]; readonly ports: readonly PublishedPort[] };
  /** Stops reconciliation timers and name servers; leaves live containers' plumbing in place. */
  close(): Promise<void>;
  /** Removes the instance's bridges and tables from the host; for tests and uninstall. Containers must be gone. */
  destroy(): Promise<void>;
};

/** Builds `/etc/resolv.conf`: the host's, without loopback resolvers and comments, with the container's own options on top. */
export type ResolvConfOptions = {
  readonly hostResolvConf: string;
  readonly hostNetwork: boolean;
  /** The container has a name server at 127.0.0.11, which asks the others. */
  readonly hasNameServer: boolean;
  /** The container has an IPv6 address, so that it can ask IPv6 resolvers itself. */
  readonly hasIpv6: boolean;
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
  /** Addresses that "host-gateway" stands for. */
  readonly hostGateways: readonly string[];
};
