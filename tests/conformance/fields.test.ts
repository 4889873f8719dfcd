import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "../../src/server/routes/table.ts";
import { endpointName } from "../schema/endpoints-page.ts";
import { fieldState } from "../schema/field-states.ts";
import { requestBodies, type Shape, unwrapped } from "../schema/request-fields.ts";
import { targetIsDockerd, uniqueName, useDaemon } from "./daemon.ts";

/*
 * Every field of every request, as docs/api-fields.md lists it: what is in force is shown by inspect (or by a test that is
 * named here), what is refused is refused, what is dropped is warned of.
 */

const daemon = useDaemon();
const network = uniqueName("fields");
const other = uniqueName("other");
const device = "/dev/loop0";

/** Fields that are in force though no inspect shows what was asked for: the file and what a test there says. */
const shownByTests: readonly (readonly [fields: RegExp, file: string, test: string])[] = [
  [/\/exec (?:Env|WorkingDir)$/, "exec.test.ts", "-e, -w, -u"],
  [/\/exec ConsoleSize$/, "exec.test.ts", "-it gives a terminal of the client's size"],
  [/^POST \/auth (?:username|password|serveraddress)$/, "registries.test.ts", "lets in who logs in, until the logout"],
  [/^POST \/auth identitytoken$/, "../linux/registry-client.test.ts", "hands a refresh token over by POST"],
  [/^POST \/auth registrytoken$/, "../linux/registry-client.test.ts", "sends a registry's own token as it is"],
];

type Leaf = { readonly field: string; readonly keys: readonly string[]; readonly value: unknown };

/** The fields of a body that says something, and where. */
function leavesOf(shape: Shape | undefined, value: unknown, field: readonly string[], keys: readonly string[]): Leaf[] {
  const own = unwrapped(shape);
  if (value === undefined || value === null) return [];
  if (own?.type === "array" && unwrapped(own.item)?.entries !== undefined)
    return (value as unknown[]).flatMap((item, index) => leavesOf(own.item, item, field, [...keys, String(index)]));
  const inner = unwrapped(own?.value);
  if (own?.type === "record" && (inner?.type === "array" || Object.keys(inner?.entries ?? {}).length > 0))
    return Object.entries(value).flatMap(([key, item]) => leavesOf(own.value, item, [...field, "*"], [...keys, key]));
  if (own?.entries === undefined || Object.keys(own.entries).length === 0)
    return [{ field: field.join("."), keys, value }];
  return Object.entries(value).flatMap(([name, item]) =>
    leavesOf(own.entries?.[name], item, [...field, name], [...keys, name]),
  );
}

const shapeOf = (endpoint: string) =>
  routes.find((route) => endpointName(route) === endpoint)?.body as unknown as Shape | undefined;

function at(document: unknown, keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], document);
}

/** The fields whose state has been seen, as "endpoint field". */
const seen = new Set<string>();

/** Limits that some kernels do not offer: the answer says so. */
const byKernel = /(?:^|\.)(?:Blkio|KernelMemoryTCP|MemorySwap|OomKillDisable)/;

/** Lists and maps may be shown with more than was sent: an image's variables and labels are a container's too. */
function isShown(sent: unknown, shown: unknown): boolean {
  if (typeof sent !== "object" || sent === null) return sent === shown;
  if (Array.isArray(sent))
    return Array.isArray(shown) && sent.every((each) => shown.some((it) => Bun.deepEquals(it, each)));
  return Object.entries(sent).every(([key, each]) => Bun.deepEquals(at(shown, [key]), each));
}

/** Holds what was sent against what is shown; returns the fields that are not shown as they were sent. */
function hold(
  endpoint: string,
  body: unknown,
  shown: (keys: readonly string[]) => unknown,
  warnings: readonly string[] = [],
): string[] {
  return leavesOf(shapeOf(endpoint), body, [], []).flatMap(({ field, keys, value }) => {
    const is = shown(keys);
    const { state } = fieldState(endpoint, field);
    const isDiscarded = byKernel.test(field) && warnings.some((warning) => warning.includes("discarded"));
    if (isShown(value, is) || isDiscarded || state === "no effect") {
      seen.add(`${endpoint} ${field}`);
      return [];
    }
    return [`${field}: sent ${JSON.stringify(value)}, shown ${JSON.stringify(is)}`];
  });
}

const create = "POST /containers/create";

/** Where inspect shows a field of the create request. */
const shownInInspect = (document: unknown) => (keys: readonly string[]) => {
  if (keys[0] === "HostConfig") return at(document, keys);
  if (keys[0] === "NetworkingConfig") return at(document, ["NetworkSettings", "Networks", ...keys.slice(2)]);
  return at(document, ["Config", ...keys]);
};

async function created(body: object, version = "1.50"): Promise<string[]> {
  const name = uniqueName("fields");
  const answer = await daemon.api("POST", `/v${version}/containers/create?name=${name}`, body);
  expect(`${answer.status} ${answer.status === 201 ? "" : answer.text}`).toBe("201 ");
  const { json } = await daemon.api("GET", `/v${version}/containers/${name}/json`);
  const { Warnings: warnings } = answer.json<{ Warnings: string[] }>();
  const problems = hold(create, body, shownInInspect(json()), warnings);
  expect((await daemon.api("DELETE", `/containers/${name}?v=1`)).status).toBe(204);
  return problems;
}

beforeAll(async () => {
  await daemon.ok("network", "create", "--subnet", "10.213.7.0/24", "--ipv6", "--subnet", "fd00:213::/64", network);
  await daemon.ok("create", "--name", other, "-v", "/shared", "busybox");
}, 60_000);

/** What a container and an image can both be told. */
const containerConfig = {
  Hostname: "host",
  Domainname: "example.test",
  User: "1:2",
  AttachStdin: true,
  AttachStdout: true,
  AttachStderr: true,
  ExposedPorts: { "80/tcp": {} },
  Tty: true,
  OpenStdin: true,
  StdinOnce: true,
  Env: ["A=b"],
  Cmd: ["-c", "true"],
  Healthcheck: {
    Test: ["CMD", "true"],
    Interval: 2e9,
    Timeout: 3e9,
    StartPeriod: 4e9,
    StartInterval: 5e9,
    Retries: 6,
  },
  ArgsEscaped: true,
  Volumes: { "/volume": {} },
  WorkingDir: "/work",
  Entrypoint: ["/bin/sh"],
  OnBuild: ["RUN true"],
  Labels: { a: "b" },
  StopSignal: "SIGINT",
  StopTimeout: 7,
  Shell: ["/bin/ash", "-c"],
};

test.skipIf(targetIsDockerd)("create: the process and its limits", async () => {
  const problems = await created({
    Image: "busybox",
    ...containerConfig,
    HostConfig: {
      CpuShares: 512,
      Memory: 67_108_864,
      MemoryReservation: 33_554_432,
      MemorySwap: 134_217_728,
      MemorySwappiness: 10,
      OomKillDisable: true,
      PidsLimit: 10,
      CgroupParent: "/fields",
      CpuPeriod: 100_000,
      CpuQuota: 50_000,
      CpusetCpus: "0",
      CpusetMems: "0",
      BlkioWeight: 300,
      BlkioWeightDevice: [{ Path: device, Weight: 200 }],
      BlkioDeviceReadBps: [{ Path: device, Rate: 1_048_576 }],
      BlkioDeviceWriteBps: [{ Path: device, Rate: 1_048_576 }],
      BlkioDeviceReadIOps: [{ Path: device, Rate: 100 }],
      BlkioDeviceWriteIOps: [{ Path: device, Rate: 100 }],
      KernelMemory: 67_108_864,
      KernelMemoryTCP: 67_108_864,
      Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "r" }],
      DeviceCgroupRules: ["c 1:3 r"],
      DeviceRequests: [
        { Driver: "cdi", Count: 0, DeviceIDs: ["vendor.test/device=one"], Capabilities: [], Options: {} },
      ],
      Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m" } },
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
      ConsoleSize: [10, 20],
      Annotations: { a: "b" },
      CapAdd: ["CAP_NET_ADMIN"],
      CapDrop: ["CAP_MKNOD"],
      GroupAdd: ["3"],
      OomScoreAdj: 500,
      SecurityOpt: ["no-new-privileges"],
      ShmSize: 1_048_576,
      Sysctls: { "net.ipv4.ip_forward": "1" },
      Isolation: "default",
      Init: true,
      MaskedPaths: ["/proc/kcore"],
      ReadonlyPaths: ["/proc/sys"],
      ReadonlyRootfs: true,
      ContainerIDFile: "/tmp/id",
    },
  });
  expect(problems).toEqual([]);
});

test.skipIf(targetIsDockerd)("create: namespaces, mounts and the rest of the host's side", async () => {
  const problems = await created({
    Image: "busybox",
    NetworkDisabled: true,
    HostConfig: {
      NanoCpus: 500_000_000,
      Binds: ["/tmp:/bound:ro"],
      VolumeDriver: "local",
      VolumesFrom: [other],
      Mounts: [
        {
          Type: "bind",
          Source: daemon.directory,
          Target: "/bind",
          ReadOnly: true,
          Consistency: "cached",
          BindOptions: {
            Propagation: "rslave",
            NonRecursive: true,
            CreateMountpoint: true,
            ReadOnlyNonRecursive: true,
            ReadOnlyForceRecursive: false,
          },
        },
        {
          Type: "volume",
          Source: uniqueName("fields"),
          Target: "/volume",
          VolumeOptions: {
            NoCopy: true,
            Labels: { a: "b" },
            DriverConfig: { Name: "local", Options: { type: "tmpfs", device: "tmpfs" } },
            Subpath: "inner",
          },
        },
        { Type: "tmpfs", Target: "/tmpfs", TmpfsOptions: { SizeBytes: 1_048_576, Mode: 448, Options: [["noexec"]] } },
        { Type: "image", Source: "busybox", Target: "/image", ImageOptions: { Subpath: "bin" } },
      ],
      PortBindings: { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "18080" }] },
      AutoRemove: true,
      CgroupnsMode: "host",
      Dns: ["192.0.2.1"],
      DnsOptions: ["ndots:2"],
      DnsSearch: ["example.test"],
      ExtraHosts: ["name:192.0.2.2"],
      IpcMode: "host",
      PidMode: "host",
      UTSMode: "host",
      UsernsMode: "host",
      Privileged: true,
      PublishAllPorts: true,
      Tmpfs: { "/scratch": "size=1m" },
      NetworkMode: "bridge",
    },
  });
  expect(problems).toEqual([]);
});

const place = {
  IPAMConfig: { IPv4Address: "10.213.7.77", IPv6Address: "fd00:213::77", LinkLocalIPs: ["169.254.34.68"] },
  Links: [`${other}:linked`],
  Aliases: ["alias"],
  MacAddress: "02:42:0a:d5:07:4d",
  DriverOpts: { "com.docker.network.endpoint.sysctls": "net.ipv4.conf.IFNAME.log_martians=1" },
  GwPriority: 5,
  NetworkID: "sent back",
  EndpointID: "sent back",
  Gateway: "192.0.2.1",
  IPAddress: "192.0.2.2",
  IPPrefixLen: 24,
  IPv6Gateway: "2001:db8::1",
  GlobalIPv6Address: "2001:db8::2",
  GlobalIPv6PrefixLen: 64,
  DNSNames: ["sent back"],
};

test.skipIf(targetIsDockerd)("create and connect: places on networks", async () => {
  const problems = await created({
    Image: "busybox",
    HostConfig: { NetworkMode: network },
    NetworkingConfig: { EndpointsConfig: { [network]: place } },
  });
  const connect = "POST /networks/{id}/connect";
  const name = uniqueName("fields");
  await daemon.ok("create", "--name", name, "busybox");
  const body = { Container: name, EndpointConfig: place };
  expect((await daemon.api("POST", `/v1.50/networks/${network}/connect`, body)).status).toBe(200);
  const document = (await daemon.api("GET", `/v1.50/containers/${name}/json`)).json();
  problems.push(
    ...hold(connect, body, (keys) =>
      keys[0] === "Container" ? name : at(document, ["NetworkSettings", "Networks", network, ...keys.slice(1)]),
    ),
  );
  const leave = { Container: name, Force: true };
  expect((await daemon.api("POST", `/v1.50/networks/${network}/disconnect`, leave)).status).toBe(200);
  const left = (await daemon.api("GET", `/v1.50/containers/${name}/json`)).json();
  expect(at(left, ["NetworkSettings", "Networks", network])).toBeUndefined();
  problems.push(...hold("POST /networks/{id}/disconnect", leave, ([key = ""]) => leave[key as keyof typeof leave]));
  expect(problems).toEqual([]);
});

test.skipIf(targetIsDockerd)("create: links, runtimes and what stands in the way of the rest", async () => {
  const problems = await created({ Image: "busybox", HostConfig: { Runtime: "crun" } });
  const lowLevel = uniqueName("fields");
  expect(
    (await daemon.api("POST", `/v1.50/containers/create?name=${lowLevel}`, { Image: "busybox", Runtime: "crun" }))
      .status,
  ).toBe(201);
  const { HostConfig: shown } = (await daemon.api("GET", `/v1.50/containers/${lowLevel}/json`)).json<{
    HostConfig: { Runtime: string };
  }>();
  expect(shown.Runtime).toBe("crun");
  seen.add(`${create} Runtime`);
  // The network's since 1.44.
  problems.push(...(await created({ Image: "busybox", MacAddress: "02:42:0a:d5:07:4d" }, "1.43")));
  // Shown with both names: "/db:/web/database".
  const [link = ""] = await created({ Image: "busybox", HostConfig: { Links: [`${other}:linked`] } });
  expect(link).toMatch(new RegExp(`^HostConfig.Links: .* shown \\["/${other}:/[^/]+/linked"\\]$`));
  seen.add(`${create} HostConfig.Links`);
  expect(problems).toEqual([]);
});

test.skipIf(targetIsDockerd)("update: limits and the restart policy", async () => {
  const endpoint = "POST /containers/{id}/update";
  const problems: string[] = [];
  for (const body of [
    {
      CpuShares: 512,
      Memory: 67_108_864,
      MemoryReservation: 33_554_432,
      MemorySwap: 134_217_728,
      MemorySwappiness: 10,
      OomKillDisable: true,
      PidsLimit: 10,
      CpuPeriod: 100_000,
      CpuQuota: 50_000,
      CpusetCpus: "0",
      CpusetMems: "0",
      BlkioWeight: 300,
      BlkioWeightDevice: [{ Path: device, Weight: 200 }],
      BlkioDeviceReadBps: [{ Path: device, Rate: 1_048_576 }],
      BlkioDeviceWriteBps: [{ Path: device, Rate: 1_048_576 }],
      BlkioDeviceReadIOps: [{ Path: device, Rate: 100 }],
      BlkioDeviceWriteIOps: [{ Path: device, Rate: 100 }],
      KernelMemory: 67_108_864,
      KernelMemoryTCP: 67_108_864,
      Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "r" }],
      DeviceCgroupRules: ["c 1:3 r"],
      DeviceRequests: [
        { Driver: "cdi", Count: 0, DeviceIDs: ["vendor.test/device=one"], Capabilities: [], Options: {} },
      ],
      Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
      RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    },
    { NanoCpus: 500_000_000 },
  ]) {
    const name = uniqueName("fields");
    await daemon.ok("create", "--name", name, "busybox");
    const answer = await daemon.api("POST", `/v1.50/containers/${name}/update`, body);
    expect(`${answer.status} ${answer.status === 200 ? "" : answer.text}`).toBe("200 ");
    const { Warnings: warnings } = answer.json<{ Warnings: string[] | null }>();
    const document = (await daemon.api("GET", `/v1.50/containers/${name}/json`)).json();
    problems.push(...hold(endpoint, body, (keys) => at(document, ["HostConfig", ...keys]), warnings ?? []));
  }
  expect(problems).toEqual([]);
});

test.skipIf(targetIsDockerd)("commit: the configuration of the image", async () => {
  const body = {
    ...containerConfig,
    Image: "sent back",
    NetworkDisabled: true,
    MacAddress: "02:42:0a:d5:07:4d",
  };
  const answer = await daemon.api("POST", `/v1.41/commit?container=${other}`, body);
  expect(answer.status).toBe(201);
  const { Id: id } = answer.json<{ Id: string }>();
  const document = (await daemon.api("GET", `/v1.41/images/${id}/json`)).json();
  expect(hold("POST /commit", body, (keys) => at(document, ["Config", ...keys]))).toEqual([]);
  await daemon.ok("rmi", id);
});

test.skipIf(targetIsDockerd)("exec: what its inspect shows", async () => {
  const name = uniqueName("fields");
  await daemon.ok("run", "-d", "--name", name, "--network", "none", "busybox", "sleep", "1000");
  const body = {
    User: "1:2",
    Privileged: true,
    Tty: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Detach: true,
    DetachKeys: "ctrl-x",
    Cmd: ["true"],
  };
  const answer = await daemon.api("POST", `/v1.50/containers/${name}/exec`, body);
  expect(answer.status).toBe(201);
  const document = (await daemon.api("GET", `/v1.50/exec/${answer.json<{ Id: string }>().Id}/json`)).json();
  const places: Readonly<Record<string, readonly string[]>> = {
    User: ["ProcessConfig", "user"],
    Privileged: ["ProcessConfig", "privileged"],
    Tty: ["ProcessConfig", "tty"],
    AttachStdin: ["OpenStdin"],
    AttachStdout: ["OpenStdout"],
    AttachStderr: ["OpenStderr"],
    DetachKeys: ["DetachKeys"],
  };
  const shown = ([key = ""]: readonly string[]) =>
    key === "Cmd" ? [at(document, ["ProcessConfig", "entrypoint"])] : at(document, places[key] ?? [key]);
  expect(hold("POST /containers/{id}/exec", body, shown)).toEqual([]);
  await daemon.ok("rm", "-f", name);
});

test.skipIf(targetIsDockerd)("networks and volumes", async () => {
  const problems: string[] = [];
  const template = uniqueName("template");
  for (const body of [
    {
      Name: uniqueName("fields"),
      CheckDuplicate: true,
      Driver: "bridge",
      Scope: "local",
      Internal: true,
      Attachable: true,
      IPAM: {
        Driver: "default",
        Config: [
          {
            Subnet: "10.213.8.0/24",
            IPRange: "10.213.8.128/25",
            Gateway: "10.213.8.1",
            AuxiliaryAddresses: { printer: "10.213.8.9" },
          },
        ],
      },
      EnableIPv4: true,
      EnableIPv6: true,
      Options: { "com.docker.network.driver.mtu": "1400" },
      Labels: { a: "b" },
    },
    { Name: template, ConfigOnly: true },
    { Name: uniqueName("fields"), ConfigFrom: { Network: template } },
  ]) {
    const answer = await daemon.api("POST", "/v1.50/networks/create", body);
    expect(`${answer.status} ${answer.status === 201 ? "" : answer.text}`).toBe("201 ");
    const document = (await daemon.api("GET", `/v1.50/networks/${body.Name}`)).json();
    problems.push(...hold("POST /networks/create", body, (keys) => at(document, keys)));
  }
  const body = {
    Name: uniqueName("fields"),
    Driver: "local",
    DriverOpts: { type: "tmpfs", device: "tmpfs" },
    Labels: { a: "b" },
  };
  const { status, json } = await daemon.api("POST", "/v1.50/volumes/create", body);
  expect(status).toBe(201);
  const document = json();
  const shown = ([key = "", ...rest]: readonly string[]) =>
    at(document, [key === "DriverOpts" ? "Options" : key, ...rest]);
  problems.push(...hold("POST /volumes/create", body, shown));
  expect(problems).toEqual([]);
});

test.skipIf(targetIsDockerd)("what is refused, dropped or taken in part is so", async () => {
  const cases: readonly (readonly [endpoint: string, path: string, fields: string, body: object, says: RegExp])[] = [
    [create, "/containers/create", "HostConfig.Cgroup", { HostConfig: { Cgroup: "x" } }, /Cgroup/],
    [create, "/containers/create", "HostConfig.IOMaximumIOps", { HostConfig: { IOMaximumIOps: 5 } }, /maximum IOPs/i],
    [
      create,
      "/containers/create",
      "HostConfig.IOMaximumBandwidth",
      { HostConfig: { IOMaximumBandwidth: 5 } },
      /bandwidth/i,
    ],
    [create, "/containers/create", "HostConfig.CpuCount", { HostConfig: { CpuCount: 1 } }, /CPU count.* discarded/i],
    [create, "/containers/create", "HostConfig.CpuPercent", { HostConfig: { CpuPercent: 1 } }, /percent.* discarded/i],
    [create, "/containers/create", "HostConfig.Isolation", { HostConfig: { Isolation: "hyperv" } }, /isolation/],
    [create, "/containers/create", "HostConfig.UsernsMode", { HostConfig: { UsernsMode: "x" } }, /user namespace/],
    [
      create,
      "/containers/create",
      "HostConfig.Mounts.Type",
      { HostConfig: { Mounts: [{ Type: "npipe", Source: "/a", Target: "/b" }] } },
      /npipe/,
    ],
    // Where the kernel schedules groups in real time this is in force.
    [
      create,
      "/containers/create",
      "HostConfig.CpuRealtimePeriod HostConfig.CpuRealtimeRuntime",
      { HostConfig: { CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 5000 } },
      /real-?time/i,
    ],
    [create, "/containers/create", "HostConfig.StorageOpt", { HostConfig: { StorageOpt: { a: "b" } } }, /option a/],
  ];
  for (const [endpoint, path, fields, body, says] of cases) {
    const answer = await daemon.api("POST", `/v1.50${path}`, { Image: "busybox", ...body });
    const state = fieldState(endpoint, fields.split(" ")[0] ?? "").state;
    expect(answer.text).toMatch(says);
    expect(`${fields} ${answer.status < 300}`).toBe(`${fields} ${state === "dropped"}`);
    if (answer.status === 201) await daemon.ok("rm", answer.json<{ Id: string }>().Id);
    for (const field of fields.split(" ")) seen.add(`${endpoint} ${field}`);
  }
  const ofUpdate = "POST /containers/{id}/update";
  for (const [body, status, says] of [
    [{ IOMaximumIOps: 5 }, 400, /maximum IOPs/i],
    [{ IOMaximumBandwidth: 5 }, 400, /bandwidth/i],
    [{ CpuCount: 1 }, 200, /CPU count.* discarded/i],
    [{ CpuPercent: 1 }, 200, /percent.* discarded/i],
    [{ CgroupParent: "/elsewhere" }, 400, /cannot be moved/],
    [{ CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 5000 }, 400, /real-?time/i],
  ] as const) {
    const answer = await daemon.api("POST", `/v1.50/containers/${other}/update`, body);
    expect(answer.text).toMatch(says);
    expect(answer.status).toBe(status);
    for (const field of Object.keys(body)) seen.add(`${ofUpdate} ${field}`);
  }
  for (const [path, body, status, says] of [
    ["/networks/create", { Ingress: true }, 403, /swarm/],
    ["/networks/create", { Scope: "swarm" }, 403, /swarm/],
    ["/networks/create", { IPAM: { Options: { a: "b" } } }, 400, /no options/],
    ["/networks/create", { IPAM: { Driver: "dhcp" } }, 404, /dhcp/],
    ["/volumes/create", { Driver: "nfs" }, 404, /nfs/],
    ["/volumes/create", { ClusterVolumeSpec: { Group: "a" } }, 503, /swarm/],
  ] as const) {
    const answer = await daemon.api("POST", `/v1.50${path}`, { Name: uniqueName("fields"), ...body });
    expect(answer.text).toMatch(says);
    expect(answer.status).toBe(status);
    for (const { field } of leavesOf(shapeOf(`POST ${path}`), body, [], [])) seen.add(`POST ${path} ${field}`);
  }
});

test("tests that are named are there", () => {
  for (const [, file, name] of shownByTests) expect(readFileSync(join(import.meta.dir, file), "utf8")).toContain(name);
});

afterAll(() => {
  if (targetIsDockerd) return;
  const missing = [...requestBodies].flatMap(([endpoint, fields]) =>
    fields
      .map((field) => `${endpoint} ${field}`)
      .filter((name) => !seen.has(name) && !shownByTests.some(([pattern]) => pattern.test(name))),
  );
  expect(missing).toEqual([]);
});
