/**
 * The types docker's templates see, as Go declares them (moby/moby `api/types`, docker/cli): a template may print a whole
 * structure, whose fields come in this order, and it calls fields by their Go names. `Name=JsonName` where the two
 * differ, `+Type` is embedded, and `any` is left as JSON has it.
 */
export const goTypes: Readonly<Record<string, string>> = {
  "container.InspectResponse":
    "ID=Id string, Created string, Path string, Args []string, State *container.State, Image string, ResolvConfPath string, HostnamePath string, HostsPath string, LogPath string, Name string, RestartCount int, Driver string, Platform string, MountLabel string, ProcessLabel string, AppArmorProfile string, ExecIDs []string, HostConfig *container.HostConfig, GraphDriver storage.DriverData, SizeRw *int64, SizeRootFs *int64, Mounts []container.MountPoint, Config *container.Config, NetworkSettings *container.NetworkSettings, ImageManifestDescriptor *v1.Descriptor",
  "container.State":
    "Status string, Running bool, Paused bool, Restarting bool, OOMKilled bool, Dead bool, Pid int, ExitCode int, Error string, StartedAt string, FinishedAt string, Health *container.Health",
  "container.Health": "Status string, FailingStreak int, Log []*container.HealthcheckResult",
  "container.HealthcheckResult": "Start string, End string, ExitCode int, Output string",
  "container.HostConfig":
    "Binds []string, ContainerIDFile string, LogConfig container.LogConfig, NetworkMode string, PortBindings map[][]nat.PortBinding, RestartPolicy container.RestartPolicy, AutoRemove bool, VolumeDriver string, VolumesFrom []string, ConsoleSize []int, Annotations map[]string, CapAdd []string, CapDrop []string, CgroupnsMode string, DNS=Dns []string, DNSOptions=DnsOptions []string, DNSSearch=DnsSearch []string, ExtraHosts []string, GroupAdd []string, IpcMode string, Cgroup string, Links []string, OomScoreAdj int, PidMode string, Privileged bool, PublishAllPorts bool, ReadonlyRootfs bool, SecurityOpt []string, StorageOpt map[]string, Tmpfs map[]string, UTSMode string, UsernsMode string, ShmSize int, Sysctls map[]string, Runtime string, Isolation string, +container.Resources, Mounts []mount.Mount, MaskedPaths []string, ReadonlyPaths []string, Init *bool",
  "container.Resources":
    "CPUShares=CpuShares int, Memory int, NanoCPUs=NanoCpus int, CgroupParent string, BlkioWeight int, BlkioWeightDevice []any, BlkioDeviceReadBps []any, BlkioDeviceWriteBps []any, BlkioDeviceReadIOps []any, BlkioDeviceWriteIOps []any, CPUPeriod=CpuPeriod int, CPUQuota=CpuQuota int, CPURealtimePeriod=CpuRealtimePeriod int, CPURealtimeRuntime=CpuRealtimeRuntime int, CpusetCpus string, CpusetMems string, Devices []container.DeviceMapping, DeviceCgroupRules []string, DeviceRequests []container.DeviceRequest, KernelMemory int, KernelMemoryTCP int, MemoryReservation int, MemorySwap int, MemorySwappiness *int, OomKillDisable *bool, PidsLimit *int, Ulimits []units.Ulimit, CPUCount=CpuCount int, CPUPercent=CpuPercent int, IOMaximumIOps int, IOMaximumBandwidth int",
  "container.LogConfig": "Type string, Config map[]string",
  "container.RestartPolicy": "Name string, MaximumRetryCount int",
  "container.DeviceMapping": "PathOnHost string, PathInContainer string, CgroupPermissions string",
  "container.DeviceRequest":
    "Driver string, Count int, DeviceIDs []string, Capabilities [][]string, Options map[]string",
  "units.Ulimit": "Name string, Hard int, Soft int",
  "nat.PortBinding": "HostIP=HostIp string, HostPort string",
  "mount.Mount":
    "Type string, Source string, Target string, ReadOnly bool, Consistency string, BindOptions *mount.BindOptions, VolumeOptions *mount.VolumeOptions, ImageOptions *mount.ImageOptions, TmpfsOptions *mount.TmpfsOptions, ClusterOptions *mount.ClusterOptions",
  "mount.BindOptions":
    "Propagation string, NonRecursive bool, CreateMountpoint bool, ReadOnlyNonRecursive bool, ReadOnlyForceRecursive bool",
  "mount.VolumeOptions": "NoCopy bool, Labels map[]string, Subpath string, DriverConfig *mount.Driver",
  "mount.Driver": "Name string, Options map[]string",
  "mount.ImageOptions": "Subpath string",
  "mount.TmpfsOptions": "SizeBytes int, Mode int, Options [][]string",
  "mount.ClusterOptions": "",
  "container.MountPoint":
    "Type string, Name string, Source string, Destination string, Driver string, Mode string, RW bool, Propagation string",
  "container.Config":
    "Hostname string, Domainname string, User string, AttachStdin bool, AttachStdout bool, AttachStderr bool, ExposedPorts map[]struct, Tty bool, OpenStdin bool, StdinOnce bool, Env []string, Cmd []string, Healthcheck *v1.HealthcheckConfig, ArgsEscaped bool, Image string, Volumes map[]struct, WorkingDir string, Entrypoint []string, NetworkDisabled bool, MacAddress string, OnBuild []string, Labels map[]string, StopSignal string, StopTimeout *int, Shell []string",
  "v1.HealthcheckConfig":
    "Test []string, Interval duration, Timeout duration, StartPeriod duration, StartInterval duration, Retries int",
  "container.NetworkSettings":
    "+container.NetworkSettingsBase, +container.DefaultNetworkSettings, Networks map[]*network.EndpointSettings",
  "container.NetworkSettingsBase":
    "Bridge string, SandboxID string, SandboxKey string, Ports map[][]nat.PortBinding, HairpinMode bool, LinkLocalIPv6Address string, LinkLocalIPv6PrefixLen int, SecondaryIPAddresses []any, SecondaryIPv6Addresses []any",
  "container.DefaultNetworkSettings":
    "EndpointID string, Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int, IPAddress string, IPPrefixLen int, IPv6Gateway string, MacAddress string",
  "network.EndpointSettings":
    "IPAMConfig *network.EndpointIPAMConfig, Links []string, Aliases []string, MacAddress string, DriverOpts map[]string, GwPriority int, NetworkID string, EndpointID string, Gateway string, IPAddress string, IPPrefixLen int, IPv6Gateway string, GlobalIPv6Address string, GlobalIPv6PrefixLen int, DNSNames []string",
  "network.EndpointIPAMConfig": "IPv4Address string, IPv6Address string, LinkLocalIPs []string",
  "storage.DriverData": "Data map[]string, Name string",
  "image.InspectResponse":
    "ID=Id string, RepoTags []string, RepoDigests []string, Parent string, Comment string, Created string, DockerVersion string, Author string, Config *v1.DockerOCIImageConfig, Architecture string, Variant string, Os string, OsVersion string, Size int, VirtualSize int, GraphDriver storage.DriverData, RootFS image.RootFS, Metadata image.Metadata, Descriptor *v1.Descriptor, Manifests []any, Container string, ContainerConfig any",
  "image.RootFS": "Type string, Layers []string",
  "image.Metadata": "LastTagTime string",
  "v1.Descriptor":
    "MediaType=mediaType string, Digest=digest string, Size=size int, URLs=urls []string, Annotations=annotations map[]string, Data=data []any, Platform=platform any, ArtifactType=artifactType string",
  "v1.DockerOCIImageConfig": "+v1.ImageConfig, Healthcheck *v1.HealthcheckConfig, OnBuild []string, Shell []string",
  "v1.ImageConfig":
    "User string, ExposedPorts map[]struct, Env []string, Entrypoint []string, Cmd []string, Volumes map[]struct, WorkingDir string, Labels map[]string, StopSignal string, ArgsEscaped bool",
  "network.Inspect":
    "Name string, ID=Id string, Created string, Scope string, Driver string, EnableIPv4 bool, EnableIPv6 bool, IPAM network.IPAM, Internal bool, Attachable bool, Ingress bool, ConfigFrom network.ConfigReference, ConfigOnly bool, Containers map[]network.EndpointResource, Options map[]string, Labels map[]string, Peers []any, Services map[]any",
  "network.IPAM": "Driver string, Options map[]string, Config []network.IPAMConfig",
  "network.IPAMConfig": "Subnet string, IPRange string, Gateway string, AuxAddress=AuxiliaryAddresses map[]string",
  "network.ConfigReference": "Network string",
  "network.EndpointResource":
    "Name string, EndpointID string, MacAddress string, IPv4Address string, IPv6Address string",
  "volume.Volume":
    "ClusterVolume *any, CreatedAt string, Driver string, Labels map[]string, Mountpoint string, Name string, Options map[]string, Scope string, Status map[]any, UsageData *volume.UsageData",
  "volume.UsageData": "RefCount int, Size int",
  "context.contextWithTLSListing":
    "Name string, Metadata any, Endpoints map[]any, TLSMaterial map[][]string, Storage context.storageInfo",
  "context.storageInfo": "MetadataPath string, TLSPath string",
  "events.Message":
    "Status=status string, ID=id string, From=from string, Type string, Action string, Actor events.Actor, Scope=scope string, Time=time int, TimeNano=timeNano int",
  "events.Actor": "ID string, Attributes map[]string",
  "system.dockerInfo": "*+system.Info, ServerErrors []string, ClientInfo *system.clientInfo",
  "system.clientInfo": "Debug bool, +system.clientVersion, Plugins []any, Warnings []string",
  "system.Info":
    "ID string, Containers int, ContainersRunning int, ContainersPaused int, ContainersStopped int, Images int, Driver string, DriverStatus [][]string, SystemStatus [][]string, Plugins system.PluginsInfo, MemoryLimit bool, SwapLimit bool, KernelMemory bool, KernelMemoryTCP bool, CPUCfsPeriod=CpuCfsPeriod bool, CPUCfsQuota=CpuCfsQuota bool, CPUShares bool, CPUSet bool, PidsLimit bool, IPv4Forwarding bool, BridgeNfIptables bool, BridgeNfIP6tables=BridgeNfIp6tables bool, Debug bool, NFd int, OomKillDisable bool, NGoroutines int, SystemTime string, LoggingDriver string, CgroupDriver string, CgroupVersion string, NEventsListener int, KernelVersion string, OperatingSystem string, OSVersion string, OSType string, Architecture string, IndexServerAddress string, RegistryConfig *registry.ServiceConfig, NCPU int, MemTotal int, GenericResources []any, DockerRootDir string, HTTPProxy=HttpProxy string, HTTPSProxy=HttpsProxy string, NoProxy string, Name string, Labels []string, ExperimentalBuild bool, ServerVersion string, Runtimes map[]system.RuntimeWithStatus, DefaultRuntime string, Swarm swarm.Info, LiveRestoreEnabled bool, Isolation string, InitBinary string, ContainerdCommit system.Commit, RuncCommit system.Commit, InitCommit system.Commit, SecurityOptions []string, ProductLicense string, DefaultAddressPools []system.NetworkAddressPool, FirewallBackend *system.FirewallInfo, DiscoveredDevices []any, CDISpecDirs []string, Containerd *system.ContainerdInfo, Warnings []string",
  "system.PluginsInfo": "Volume []string, Network []string, Authorization []string, Log []string",
  "system.Commit": "ID string, Expected string",
  "system.NetworkAddressPool": "Base string, Size int",
  "system.FirewallInfo": "Driver string, Info [][]string",
  "system.ContainerdInfo": "Address string, Namespaces any",
  "system.RuntimeWithStatus": "+system.Runtime, Status=status map[]string",
  "system.Runtime": "Path=path string, Args=runtimeArgs []string, Type=runtimeType string, Options=options map[]any",
  "registry.ServiceConfig":
    "AllowNondistributableArtifactsCIDRs []any, AllowNondistributableArtifactsHostnames []string, InsecureRegistryCIDRs []string, IndexConfigs map[]*registry.IndexInfo, Mirrors []string",
  "registry.IndexInfo": "Name string, Mirrors []string, Secure bool, Official bool",
  "swarm.Info":
    "NodeID string, NodeAddr string, LocalNodeState string, ControlAvailable bool, Error string, RemoteManagers []any, Nodes int, Managers int, Cluster *any, Warnings []string",
  "system.versionInfo": "Client system.clientVersion, Server *types.Version",
  "system.clientVersion":
    "Platform *system.platformInfo, Version string, APIVersion=ApiVersion string, DefaultAPIVersion string, GitCommit string, GoVersion string, Os string, Arch string, BuildTime string, Context string",
  "system.platformInfo": "Name string",
  "types.Version":
    "Platform system.platformInfo, Components []types.ComponentVersion, Version string, APIVersion=ApiVersion string, MinAPIVersion string, GitCommit string, GoVersion string, Os string, Arch string, KernelVersion string, Experimental bool, BuildTime string",
  "types.ComponentVersion": "Name string, Version string, Details map[]string",
};
