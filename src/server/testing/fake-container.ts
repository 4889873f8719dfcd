import { newId, nowNanoseconds } from "#base";
import type { ContainerState, ContainerView } from "#engine";

/** The image of every fake container. */
export const imageId = `sha256:${"1".repeat(64)}`;

/** The state of a container that runs. */
export function runningState(over: Partial<ContainerState> = {}): ContainerState {
  return {
    status: "running",
    running: true,
    paused: false,
    restarting: false,
    oomKilled: false,
    dead: false,
    pid: 4711,
    exitCode: 0,
    error: "",
    startedAt: nowNanoseconds() - 300_000_000_000n,
    finishedAt: undefined,
    health: undefined,
    ...over,
  };
}

/** A container as the engine would show it. */
export function fakeContainer(
  over: Partial<Omit<ContainerView, "state">> & { state?: Partial<ContainerState> } = {},
): ContainerView {
  const id = over.id ?? newId();
  return {
    id,
    name: "web",
    linkNames: [],
    created: nowNanoseconds(),
    path: "sh",
    args: ["-c", "echo hi"],
    imageId,
    imageName: "debian:bookworm",
    config: { Image: "debian:bookworm", Labels: { a: "b" }, ExposedPorts: { "80/tcp": {}, "81/tcp": {} }, Tty: false },
    hostConfig: { NetworkMode: "bridge" },
    restartCount: 0,
    mounts: [
      {
        type: "volume",
        name: "data",
        source: "/var/lib/x/data",
        destination: "/data",
        driver: "local",
        mode: "z",
        writable: true,
        propagation: "",
      },
    ],
    networks: [
      {
        networkName: "bridge",
        networkId: "b".repeat(64),
        settings: {},
        dnsNames: undefined,
        macAddress: "02:42:ac:11:00:02",
        endpoint: {
          networkId: "b".repeat(64),
          networkName: "bridge",
          endpointId: "e".repeat(64),
          interfaceName: "eth0",
          hostInterface: "veth0",
          macAddress: "02:42:ac:11:00:02",
          ipv4: "172.30.0.2",
          ipv4PrefixLength: 16,
          gateway: "172.30.0.1",
          ipv6: "",
          ipv6PrefixLength: 0,
          ipv6Gateway: "",
        },
      },
    ],
    ports: [{ containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080 }],
    sandboxKey: "/proc/1/ns/net",
    execIds: [],
    appArmorProfile: "",
    driver: "overlay2",
    paths: { resolvConf: "/r", hostname: "/h", hosts: "/hosts", log: "/log" },
    ...over,
    state: runningState(over.state),
  };
}
