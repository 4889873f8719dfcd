import { PassThrough, Duplex } from "node:stream";
import { type ContainerId, EngineError, newId, nowNanoseconds } from "#base";
import type { Attachment, ContainerState, ContainerView, Engine, EngineEvent, ImageRecord, LogRecord } from "#engine";
import type { ImageBuilder, ServerParts } from "../parts.ts";

/** What a test can set or look at in the fake. */
export type FakeEngine = Engine & {
  /** Every call with its arguments, in order. */
  readonly calls: { readonly name: string; readonly args: readonly unknown[] }[];
  readonly views: Map<string, ContainerView>;
  readonly imageRecords: ImageRecord[];
  /** The process behind the next attach or exec; by default it echoes. */
  nextProcess: () => Attachment;
  logRecords: LogRecord[];
  /** Set to make the named call fail. */
  readonly failures: Map<string, EngineError>;
};

export const imageId = `sha256:${"1".repeat(64)}`;

function state(over: Partial<ContainerState> = {}): ContainerState {
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
    state: state(over.state),
  };
}

/** A process that gives back what it is sent, and ends with it. */
export function echoProcess(terminal: boolean): Attachment {
  return { stream: new PassThrough(), terminal, settled: Promise.resolve() };
}

/** A process whose input and output the test holds. */
export function scriptedProcess(terminal: boolean): Attachment & {
  readonly output: PassThrough;
  readonly input: Buffer[];
  readonly inputEnded: Promise<void>;
} {
  const output = new PassThrough();
  const input: Buffer[] = [];
  const ended = Promise.withResolvers<void>();
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => output.resume(),
    write(chunk: Buffer, _encoding, done) {
      input.push(chunk);
      done();
    },
    final(done) {
      ended.resolve();
      done();
    },
  });
  output.on("data", (chunk: Buffer) => {
    if (!stream.push(chunk)) output.pause();
  });
  output.on("end", () => stream.push(null));
  output.pause();
  return { stream, terminal, settled: Promise.resolve(), output, input, inputEnded: ended.promise };
}

function notFound(message: string): EngineError {
  return new EngineError("not-found", "fake", message);
}

/** An engine without a kernel: enough behaviour for the protocol to be tested against. */
export function createFakeEngine(): FakeEngine {
  const views = new Map<string, ContainerView>();
  const listeners = new Set<(event: EngineEvent) => void>();
  const past: EngineEvent[] = [];
  const calls: FakeEngine["calls"] = [];
  const failures: FakeEngine["failures"] = new Map();
  const execs = new Map<string, ReturnType<Engine["execs"]["get"]>>();
  const imageRecords: ImageRecord[] = [
    {
      id: imageId,
      config: {
        architecture: "amd64",
        os: "linux",
        created: "2026-01-02T03:04:05Z",
        config: { Cmd: ["bash"], Labels: { l: "1" } },
        rootfs: { type: "layers", diff_ids: [`sha256:${"2".repeat(64)}`] },
        history: [{ created: "2026-01-02T03:04:05Z", created_by: "bootstrap", comment: "made" }],
      },
      sizeBytes: 1000,
      repoTags: ["debian:bookworm"],
      repoDigests: [],
      lastTaggedMs: 0,
    },
  ];
  const record = (name: string, ...args: readonly unknown[]) => {
    calls.push({ name, args });
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
  };
  const get = (reference: string): ContainerView => {
    const name = reference.replace(/^\//, "");
    for (const view of views.values())
      if (view.id === reference || view.name === name || (reference.length >= 4 && view.id.startsWith(reference)))
        return view;
    throw notFound(`No such container: ${reference}`);
  };
  const findImage = (reference: string) =>
    imageRecords.find(
      (image) =>
        image.id === reference ||
        image.repoTags.some((tag) => tag === reference || tag === `${reference}:latest`) ||
        (reference.length >= 4 && image.id.startsWith(`sha256:${reference}`)),
    );
  const getImage = (reference: string) => {
    const image = findImage(reference);
    if (image === undefined)
      throw notFound(`No such image: ${reference.includes(":") ? reference : `${reference}:latest`}`);
    return image;
  };
  const networks = [
    {
      id: "b".repeat(64),
      name: "bridge",
      driver: "bridge" as const,
      createdMs: 0,
      enableIpv4: true,
      enableIpv6: false,
      pools: [{ subnet: "172.30.0.0/16", gateway: "172.30.0.1", given: false }],
      ipamDriver: "default",
      ipamOptions: {},
      internal: false,
      attachable: false,
      configOnly: false,
      configFrom: "",
      options: {},
      labels: {},
    },
  ];
  const getNetwork = (reference: string) => {
    const network = networks.find((candidate) => candidate.id.startsWith(reference) || candidate.name === reference);
    if (network === undefined) throw notFound(`network ${reference} not found`);
    return network;
  };
  const volumes = [
    {
      name: "data",
      driver: "local" as const,
      mountpoint: "/var/lib/x/data",
      createdMs: 1_700_000_000_000,
      labels: { a: "b" },
      options: {},
      anonymous: false,
      usedBy: [] as ContainerId[],
    },
  ];
  const unreachable = () =>
    Promise.reject(
      new EngineError("not-found", "fake", "pull access denied for alpine, repository does not exist", {
        hint: "berth login",
      }),
    );
  const unused = () => Promise.reject(new Error("the fake has no such call"));

  const engine: FakeEngine = {
    calls,
    views,
    imageRecords,
    failures,
    logRecords: [],
    nextProcess: () => echoProcess(false),
    containers: {
      async create(request) {
        record("create", request);
        if (findImage(request.body.Image ?? "") === undefined) getImage(request.body.Image ?? "");
        const view = fakeContainer({
          name: request.name ?? "brave_test",
          config: request.body,
          hostConfig: request.body.HostConfig ?? {},
          state: { status: "created", running: false, startedAt: undefined, pid: 0 },
        });
        views.set(view.id, view);
        return { id: view.id, warnings: [] };
      },
      async start(reference) {
        record("start", reference);
        const view = get(reference);
        if (view.state.running) throw new EngineError("not-modified", "fake", "container already started");
        views.set(view.id, { ...view, state: state() });
      },
      async stop(reference, options) {
        record("stop", reference, options);
        get(reference);
      },
      async restart(reference, options) {
        record("restart", reference, options);
      },
      async kill(reference, signal) {
        record("kill", reference, signal);
      },
      async pause(reference) {
        record("pause", reference);
      },
      async unpause(reference) {
        record("unpause", reference);
      },
      async wait(reference, condition, signal) {
        record("wait", reference, condition, signal);
        get(reference);
        return { result: Promise.resolve({ exitCode: 3 }) };
      },
      async remove(reference, options) {
        record("remove", reference, options);
        views.delete(get(reference).id);
      },
      async rename(reference, name) {
        record("rename", reference, name);
      },
      async update(reference, body) {
        record("update", reference, body);
        return { warnings: [] };
      },
      async attach(reference, options) {
        record("attach", reference, options);
        return engine.nextProcess();
      },
      async resize(reference, size) {
        record("resize", reference, size);
      },
      get,
      list: (which) =>
        [...views.values()]
          .filter((view) => which !== "running" || view.state.running)
          .sort((a, b) => (a.created < b.created ? 1 : -1))
          .values(),
      findName: (id) => views.get(id)?.name,
      sizes: async () => ({ writableBytes: 10, rootFsBytes: 1010 }),
      async logs(reference, options) {
        record("logs", reference, options);
        const view = get(reference);
        return {
          terminal: view.config.Tty === true,
          records: (async function* () {
            yield* engine.logRecords;
            if (options.follow && options.signal?.aborted === false)
              await new Promise((resolve) => options.signal?.addEventListener("abort", resolve));
          })(),
        };
      },
      async stats(reference) {
        const view = get(reference);
        return {
          read: nowNanoseconds(),
          id: view.id,
          name: view.name,
          systemCpuUsage: 10_000_000n,
          onlineCpus: 2,
          cgroup: view.state.running
            ? {
                cpu: {
                  usage: 1000n,
                  user: 600n,
                  system: 400n,
                  perCpu: [500n, 500n],
                  periods: 1,
                  throttledPeriods: 0,
                  throttledTime: 0n,
                },
                memory: {
                  usageBytes: 4096,
                  maxUsageBytes: 8192,
                  failCount: 0,
                  limitBytes: 1 << 20,
                  detail: { cache: 1 },
                },
                pids: { current: 2, limit: undefined },
                blkio: { serviceBytes: [{ major: 8, minor: 0, op: "Read", value: 1 }], serviced: [] },
              }
            : undefined,
          interfaces: {
            eth0: {
              rxBytes: 1,
              rxPackets: 2,
              rxErrors: 0,
              rxDropped: 0,
              txBytes: 3,
              txPackets: 4,
              txErrors: 0,
              txDropped: 0,
            },
          },
        };
      },
      async top(reference, psArgs) {
        record("top", reference, psArgs);
        return { titles: ["PID", "CMD"], processes: [["1", "sh"]] };
      },
      async prune(keep) {
        const gone = [...views.values()].filter((view) => !view.state.running && !keep(view));
        return { deleted: gone.map((view) => view.id), reclaimedBytes: 7 };
      },
    },
    execs: {
      async create(container, body) {
        record("exec create", container, body);
        const id = newId();
        execs.set(id, {
          id,
          containerId: get(container).id,
          running: false,
          exitCode: null,
          pid: 0,
          body,
          user: body.User ?? "",
          canRemove: false,
        });
        return id;
      },
      async start(id, options) {
        record("exec start", id, options);
        const exec = engine.execs.get(id);
        execs.set(id, { ...exec, exitCode: 7 });
        return options.detach ? undefined : engine.nextProcess();
      },
      async resize(id, size) {
        record("exec resize", id, size);
        engine.execs.get(id);
      },
      get(id) {
        const exec = execs.get(id);
        if (exec === undefined) throw notFound(`No such exec instance: ${id}`);
        return exec;
      },
    },
    archives: {
      async stat(container, path) {
        record("archive stat", container, path);
        return { name: "f", size: 3, mode: 0o644, modified: 1_000_000_000n, linkTarget: "" };
      },
      async get(container, path) {
        return {
          stat: await engine.archives.stat(container, path),
          tar: (async function* () {
            yield Buffer.alloc(1024);
          })(),
        };
      },
      async put(container, path, tar, options) {
        let bytes = 0;
        for await (const chunk of tar) bytes += chunk.length;
        record("archive put", container, path, bytes, options);
      },
      changes: async () => [{ kind: "added", path: "/a" }],
      export: async () =>
        (async function* () {
          yield Buffer.from("rootfs");
        })(),
      async commit(container, options) {
        record("commit", container, options);
        get(container);
        return imageId;
      },
    },
    images: {
      find: findImage,
      get: getImage,
      list: () => imageRecords,
      manifests: () => [],
      isFirstOf: () => true,
      history: (reference) => [
        { id: getImage(reference).id, sizeBytes: 5, tags: ["debian:bookworm"], created_by: "bootstrap" },
      ],
      save: () =>
        (async function* () {
          yield Buffer.from("archive");
        })(),
      tag(source, reference) {
        record("tag", source, reference);
        getImage(source);
      },
      async remove(reference, options) {
        record("image remove", reference, options);
        getImage(reference);
        return [{ untagged: reference }, { deleted: imageId }];
      },
      async load(archive, progress) {
        let bytes = 0;
        for await (const chunk of archive) bytes += chunk.length;
        record("load", bytes);
        progress({ status: "Loading layer", id: "aaaaaaaaaaaa", progress: { current: 1, total: 1 } });
        progress({ stream: "Loaded image: debian:bookworm\n" });
        return imageRecords;
      },
      async importRootfs(archive, options) {
        let bytes = 0;
        for await (const chunk of archive) bytes += chunk.length;
        record("import", bytes, options);
        return getImage(imageId);
      },
      async prune(options) {
        record("image prune", options);
        return { removed: [], reclaimedBytes: 0 };
      },
      bootstrap: unused,
      check: async (progress) => {
        progress({ status: "Good", id: "0123456789ab" });
        return { layers: 1, layerBytes: 400, images: 1, damage: [] };
      },
      pull: unreachable,
      push: unreachable,
      distribution: unreachable,
      login: unreachable,
      search: async (request) => {
        record("search", request);
        return [
          { name: "debian", description: "A distribution", stars: 5000, isOfficial: true, isAutomated: false },
          { name: "someone/debian", description: "Another", stars: 3, isOfficial: false, isAutomated: true },
        ];
      },
      usedBy: () => [],
      sharedSizes: () => new Map([[imageId, 400]]),
    },
    networks: {
      list: () => networks,
      get: getNetwork,
      async create(request) {
        record("network create", request);
        return { ...networks[0]!, name: request.name, id: "c".repeat(64), labels: request.labels };
      },
      async remove(reference) {
        record("network remove", reference);
        getNetwork(reference);
      },
      isPredefined: (network) => network.name === "bridge",
      endpointsOf: () => [],
      async connect(network, container, settings) {
        record("network connect", getNetwork(network).name, container, settings);
      },
      async disconnect(network, container, options) {
        record("network disconnect", getNetwork(network).name, container, options);
      },
    },
    volumes: {
      async create(request) {
        record("volume create", request);
        return { ...volumes[0]!, name: request.name ?? "anonymous", labels: request.labels ?? {} };
      },
      list: () => volumes,
      sizeOf: async () => 1234,
      get(name) {
        const volume = volumes.find((candidate) => candidate.name === name);
        if (volume === undefined) throw notFound(`get ${name}: no such volume`);
        return volume;
      },
      async remove(name, options) {
        record("volume remove", name, options);
        engine.volumes.get(name);
      },
      async prune(keep, options) {
        record("volume prune", keep, options);
        return { deleted: [], reclaimedBytes: 0 };
      },
    },
    events: {
      emit(event) {
        const stamped = { ...event, time: nowNanoseconds() };
        past.push(stamped);
        for (const listener of listeners) listener(stamped);
      },
      past: () => past,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    system: {
      info: () => ({
        instanceId: "fake",
        name: "host",
        dataRoot: "/var/lib/x",
        cgroupVersion: "1",
        labels: [],
        loggingDriver: "json-file",
        cdiDirectories: [],
        logDrivers: ["json-file"],
        cgroupDriver: "cgroupfs",
        kernelVersion: "6.18",
        operatingSystem: "Debian GNU/Linux 12",
        osVersion: "12",
        architecture: "x86_64",
        cpus: 2,
        memoryBytes: 1 << 30,
        storageDriver: "overlay2",
        storageStatus: [["Backing Filesystem", "extfs"]],
        runtimes: [{ name: "runc", path: "/usr/bin/runc", works: true, reason: "", version: "1.1.5" }],
        defaultRuntime: "runc",
        securityOptions: ["name=seccomp,profile=builtin"],
        capabilities: {
          memory: true,
          swap: true,
          pids: true,
          cpuShares: true,
          cpuset: true,
          cpuCfs: true,
          blkio: true,
          oomKillDisable: true,
        },
        warnings: [],
        containers: { total: views.size, running: views.size, paused: 0, stopped: 0 },
        images: imageRecords.length,
        registryConfig: { InsecureRegistryCIDRs: null, IndexConfigs: {}, Mirrors: null },
        ipv4Forwarding: true,
      }),
      layersSize: async () => 1000,
    },
    steps: {
      run: unused,
      deviceMountPoints: () => [],
      openGroup: () => ({ path: "/x", oomKills: () => 0, close: unused }),
    },
  };
  return engine;
}

/** A builder that reads its context and succeeds, or fails as `failure` says. */
export function createFakeBuilder(): ImageBuilder & {
  readonly requests: Omit<Parameters<ImageBuilder["build"]>[0], "context">[];
  failure: unknown;
  contextBytes: number;
} {
  const builder: ReturnType<typeof createFakeBuilder> = {
    requests: [],
    failure: undefined,
    contextBytes: 0,
    async build({ context, ...request }, output) {
      builder.requests.push(request);
      // Output before the context was read: the body must go on arriving meanwhile.
      output({ kind: "classic", stream: "Step 1/1 : FROM scratch\n" });
      builder.contextBytes = 0;
      if (!(Symbol.asyncIterator in context)) throw new Error("the API sends a stream");
      for await (const chunk of context) builder.contextBytes += chunk.length;
      if (builder.failure !== undefined) throw builder.failure;
      output({ kind: "classic-image", imageId: `sha256:${"1".repeat(64)}` });
      output({ kind: "classic", stream: "Successfully built 111111111111\n" });
      return { imageId, images: [], warnings: [], steps: [], exported: {} };
    },
    changes: (instructions) => (config) => ({ ...config, OnBuild: [...instructions] }),
    cache: async () => [],
    prune: async () => ({ deleted: [], reclaimedBytes: 0 }),
    cacheMounts: {
      hold: async () => ({ directory: "/", release: () => {} }),
      list: () => [],
      remove: () => false,
      archive: () => (async function* () {})(),
      restore: async () => {},
      sweep: () => {},
    },
  };
  return builder;
}

/** A history that keeps nothing around a builder, and no BuildKit. */
export function createFakeBuilds(builder: ImageBuilder): Pick<ServerParts, "builds" | "buildKit"> {
  const nothing = () => {
    throw new Error("the fake history keeps nothing");
  };
  return {
    builds: {
      start: (_description, before, options = {}) => {
        const emit = options.listen ?? (() => {});
        const signal = options.signal ?? new AbortController().signal;
        const work = async () => builder.build(await before(emit, signal), emit, signal);
        return { reference: "fake", done: work(), cancel: () => {} };
      },
      list: () => [],
      find: () => undefined,
      follow: nothing,
      remove: nothing,
      pin: nothing,
      watch: () => {},
      cancel: () => false,
      sweep: () => {},
    },
    buildKit: () => Promise.reject(new EngineError("unsupported", "fake", "the fake speaks no BuildKit")),
  };
}
