import { rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type AdjustableLogger, createLogger, EngineError, errorMessage, isErrorKind, type Logger } from "#base";
import { createBuilder, createBuilds } from "#builder";
import { childCgroups, detectCgroups, offeredLimits, openCgroup, openMigrationNotice } from "#cgroups";
import { isHungUp } from "#linux";
import { type Database, openDatabase } from "#db";
import { createEngine, createEventService, createSystemService, openRegistry, type StopOrder } from "#engine";
import { openImageStore } from "#images";
import { createNetworkService } from "#network";
import { findRuntimes } from "#runtime";
import { defaultMaskedPaths, defaultReadonlyPaths, loadAppArmorProfile, securityOptions } from "#security";
import { registryConfig, loadRegistryServer } from "#registry";
import { createServer } from "#server";
import { readTrustPolicy } from "#trust";
import { connectSupervisor } from "#supervisor";
import { openLocalVolumes } from "#volumes";
import { lazyBuildKit } from "./buildkit.ts";
import { lazyRepositories } from "./repositories.ts";
import { errors } from "./errors.ts";
import { findHostCaBundle } from "./host-ca.ts";
import { findInitBinary } from "./init-binary.ts";
import { cgroupFacts, hostLimits } from "./host-limits.ts";
import { claimRoots, instanceOf } from "./instance.ts";
import { listenAddress } from "./listen-address.ts";
import { endContainers, isMachineStopping } from "./machine-stop.ts";
import { type DaemonOptions, parseDaemonOptions } from "./options.ts";
import { type Remapped, remapRoots } from "./remap/remapped-roots.ts";
import { liveOptions, reloadAttributes, reloadOnHangUp } from "./reload.ts";
import { chooseRuntimes } from "./runtimes.ts";
import { selfCommand } from "./self.ts";
import { serverVersion } from "./version.ts";

/** A daemon that serves; `stop` lets containers and supervisor live on. */
type RunningDaemon = {
  stop(): Promise<void>;
  stopOrders(): readonly StopOrder[];
};

/** `berth daemon`: serves until SIGTERM or SIGINT. The exit status is the result. */
export async function runDaemon(argv: readonly string[]): Promise<number> {
  let options: DaemonOptions;
  try {
    options = parseDaemonOptions(argv);
    if (process.getuid?.() !== 0 && !argv.includes("--validate")) throw errors.notRoot();
  } catch (error) {
    process.stderr.write(`berth daemon: ${errorMessage(error)}\n`);
    if (error instanceof EngineError && error.hint !== undefined) process.stderr.write(`Hint: ${error.hint}\n`);
    return 1;
  }
  completeSearchPath();
  if (argv.includes("--validate")) {
    process.stderr.write("configuration OK\n");
    return 0;
  }
  setProxies(options.proxies);
  const logger = createLogger(options.logLevel, undefined, options.logFormat);
  surviveSurprises(logger);
  let daemon: RunningDaemon;
  try {
    const remapped = remapRoots(options, logger);
    ({ options } = remapped);
    daemon = await startDaemon(remapped, logger, () => parseDaemonOptions(argv));
  } catch (error) {
    logger.error("daemon could not start", { error: errorMessage(error) });
    if (error instanceof EngineError && error.hint !== undefined) process.stderr.write(`Hint: ${error.hint}\n`);
    // EX_TEMPFAIL of sysexits.h tells the CLI that another one was quicker.
    return isErrorKind(error, "conflict") ? 75 : 1;
  }
  await new Promise<void>((resolve) => {
    process.once("SIGTERM", resolve);
    process.once("SIGINT", resolve);
  });
  const orders = isMachineStopping() ? daemon.stopOrders() : [];
  if (orders.length === 0) logger.info("daemon stops; containers go on running");
  await daemon.stop();
  await endContainers(options.execRoot, orders, logger);
  process.exit(0);
}

/**
 * An error that nobody caught is a request that fails, not the end of all others: what matters is in the database, in
 * transactions, and the next look at a container starts from there. So the daemon says what happened and goes on.
 */
function surviveSurprises(logger: Logger): void {
  const report = (kind: string) => (error: unknown) => {
    logger.error(kind, { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  };
  process.on("uncaughtException", report("unexpected error"));
  process.on("unhandledRejection", report("unexpected failure in the background"));
}

/** Where root's programs lie (nft, modprobe) is not on the path of every shell, cron job or `env -i`. */
function completeSearchPath(): void {
  const given = (process.env["PATH"] ?? "").split(":").filter((directory) => directory !== "");
  const usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
  process.env["PATH"] = [...given, ...usual.filter((directory) => !given.includes(directory))].join(":");
}

/** Builds the parts, brings record and kernel in line, and listens. The only place where everything meets. */
async function startDaemon(
  { options, idMapping }: Remapped,
  logger: AdjustableLogger,
  read: () => DaemonOptions,
): Promise<RunningDaemon> {
  const live = liveOptions(options, logger);
  const instance = instanceOf(options.dataRoot);
  await using started = new AsyncDisposableStack();
  const release = claimRoots(options.dataRoot, options.execRoot, options.pidFile);
  started.defer(() => {
    rmSync(options.pidFile, { force: true });
    release();
  });
  const database: Database = openDatabase(join(options.dataRoot, "berth.db"));
  started.defer(() => database.close());

  const layout = detectCgroups();
  const limits = offeredLimits(layout);
  const chooseAmong = (from: DaemonOptions) =>
    chooseRuntimes(findRuntimes(cgroupFacts(layout), from.runtimes), from, join(options.execRoot, "runtime"));
  let runtimes = chooseAmong(options);
  const store = openImageStore({
    dataRoot: options.dataRoot,
    database,
    logger,
    storageDriver: options.storageDriver,
    keepPackedLayers: options.keepPackedLayers,
    trustPolicy: options.trustPolicyFile === undefined ? undefined : readTrustPolicy(options.trustPolicyFile),
    idMapping,
  });
  const network = createNetworkService({
    database,
    instance,
    logger,
    options: {
      defaultBridge: options.networks.defaultBridge,
      networkOptions: options.networks.networkOptions,
      ipForward: options.networks.ipForward,
      ...(options.mtu === 0 ? {} : { mtu: options.mtu }),
      ...(options.addressPools.length === 0 ? {} : { addressPools: options.addressPools }),
      defaultHostAddress: options.publishAddress,
      ...(options.networks.userlandProxy ? { forwarderCommand: selfCommand("forwarder") } : {}),
    },
  });
  started.defer(() => network.close());
  const events = createEventService();
  const volumes = openLocalVolumes({ dataRoot: options.dataRoot, database, idMapping });
  const registry = openRegistry(database, (id, error) =>
    logger.error("container's record cannot be read; it is left alone", { container: id, error: errorMessage(error) }),
  );
  const supervisor = await connectSupervisor({
    socketPath: join(options.execRoot, "supervisor.sock"),
    stateRoot: join(options.execRoot, "supervisor"),
    logger,
    spawn: () => spawnSupervisor(options.execRoot),
  });
  started.defer(() => supervisor.close());
  const appArmorProfile = loadAppArmorProfile(logger);
  const hostCaBundle = options.trustHostCa ? findHostCaBundle() : undefined;
  const { registries } = live;
  const cdiDirectories = options.cdi ? options.containers.cdiDirectories : [];
  const system = createSystemService({
    instanceId: instance.id,
    dataRoot: options.dataRoot,
    layout,
    limits,
    catalog: store.catalog,
    layers: store.layers,
    snapshots: store.snapshots,
    registry,
    runtimes: () => runtimes.all,
    defaultRuntime: () => runtimes.defaultName,
    labels: () => live.current().labels,
    securityOptions: securityOptions(appArmorProfile, options.containers.seccompName, idMapping !== undefined),
    registryConfig: () => registryConfig(registries),
    loggingDriver: options.logDriver,
    cdiDirectories,
  });
  const {
    engine,
    restore,
    restartByPolicy,
    stop: stopEngine,
    stopOrders,
  } = createEngine({
    store,
    system,
    registry,
    supervisor,
    network,
    trust: store.trust,
    catalog: store.catalog,
    layers: store.layers,
    snapshots: store.snapshots,
    volumes,
    events,
    logger,
    paths: { containers: join(options.dataRoot, "containers"), bundles: join(options.execRoot, "bundles") },
    defaults: {
      cgroupnsMode: options.containers.cgroupnsMode ?? (layout.version === "v2" ? "private" : "host"),
      privilegedCgroupnsMode: layout.version === "v2" ? (options.containers.cgroupnsMode ?? "private") : "host",
      shmSizeBytes: options.containers.shmSizeBytes,
      ipcMode: options.containers.ipcMode,
      realtime: options.containers.realtime,
      ulimits: [...options.containers.ulimits],
      storageSizeBytes: options.containers.storageSizeBytes,
      get runtime() {
        return runtimes.defaultName;
      },
      dns: options.networks.dns,
      hostGateways: options.networks.hostGateways,
      logDriver: options.logDriver,
      logOptions: options.logOptions,
      maskedPaths: defaultMaskedPaths(),
      readonlyPaths: defaultReadonlyPaths(),
      init: options.init,
    },
    noticeMigration: openMigrationNotice(layout),
    openCgroup: (path) => openCgroup(layout, path),
    childCgroups: (path) => childCgroups(layout, path),
    cgroupParent: options.cgroupParent || (instance.isDefault ? "/berth" : `/berth-${instance.id}`),
    runtime: (name) => runtimes.get(name),
    hostLimits: hostLimits(limits),
    cdiDirectories,
    initPath: options.containers.initPath || findInitBinary(),
    hostCaBundle,
    noNewPrivileges: options.noNewPrivileges,
    seccompProfile: options.containers.seccompProfile,
    appArmorProfile,
    transfers: {
      registries,
      downloadSlots: live.downloadSlots,
      uploadSlots: live.uploadSlots,
    },
  });
  started.defer(() => stopEngine());
  await restore();
  const repository = lazyRepositories(registries);
  const builder = createBuilder({
    images: store,
    steps: engine.steps,
    database,
    dataRoot: options.dataRoot,
    events,
    logger,
    hostCaBundle,
    repository,
  });
  await builder.sweep();
  const builds = createBuilds({ builder, database, dataRoot: options.dataRoot });
  builds.sweep();
  const version = serverVersion();
  const buildKit = lazyBuildKit({
    catalog: store.catalog,
    layers: store.layers,
    events,
    dataRoot: options.dataRoot,
    version: version.version,
    builder,
    builds,
    logger,
    instanceId: instance.id,
    caBundle: hostCaBundle,
    engine,
    repository,
    snapshotter: store.snapshots.name,
  });
  const server = createServer({
    engine,
    builder,
    builds,
    buildKit,
    logger,
    debug: () => live.current().logLevel === "debug",
    isHungUp,
    version: { ...version, experimental: options.experimental },
  });
  for (const address of options.hosts.map((host) => listenAddress(host, options))) await server.listen(address);
  started.defer(() => server.close());
  await serveRegistry(options, logger, started);
  logger.info("daemon is ready", {
    hosts: options.hosts.join(","),
    dataRoot: options.dataRoot,
    runtime: runtimes.defaultName,
  });
  reloadOnHangUp(
    read,
    (next) => {
      const chosen = chooseAmong(next);
      runtimes = chosen;
      live.apply(next);
      const attributes = reloadAttributes({ ...live.current(), defaultRuntime: chosen.defaultName }, hostname());
      events.emit({ type: "daemon", action: "reload", actor: { id: instance.id, attributes } });
    },
    logger,
  );
  // Containers of the restart policies come up while requests are served.
  void restartByPolicy();
  const parts = started.move();
  return {
    stop: () => parts.disposeAsync(),
    stopOrders: () => {
      const longestMs = (live.current().shutdownTimeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000;
      return stopOrders().map((order) => ({ ...order, graceMs: Math.min(order.graceMs, longestMs) }));
    },
  };
}

/** How the daemon reaches registries, git repositories and addresses: its environment, unless it is told otherwise. */
function setProxies({ http, https, no }: DaemonOptions["proxies"]): void {
  for (const [name, value] of [
    ["HTTP_PROXY", http],
    ["HTTPS_PROXY", https],
    ["NO_PROXY", no],
  ] as const) {
    if (value !== "") process.env[name] = value;
  }
}

/** A registry beside the API, on addresses of its own; off unless asked for, and its code is not loaded then. */
async function serveRegistry(options: DaemonOptions, logger: Logger, started: AsyncDisposableStack): Promise<void> {
  if (options.registryServer === undefined) return;
  const { listen, configFile } = options.registryServer;
  const parts = await loadRegistryServer();
  const config = configFile === undefined ? {} : parts.readServerConfig(configFile);
  const settings = parts.completeServerConfig({
    root: join(options.dataRoot, "registry"),
    ...config,
    ...(listen.length === 0 ? {} : { listen: [...listen] }),
  });
  const registry = await parts.startRegistryServer(settings, logger);
  started.defer(() => registry.stop());
  logger.info("registry is ready", { addresses: registry.addresses.join(","), root: settings.root });
}

/** Starts the supervisor in a session of its own, so that it outlives this daemon and its terminal. */
function spawnSupervisor(execRoot: string): void {
  const log = join(execRoot, "supervisor.log");
  Bun.spawn(["setsid", "--fork", ...selfCommand("supervisor", "--exec-root", execRoot)], {
    stdin: "ignore",
    stdout: Bun.file(log),
    stderr: Bun.file(log),
    env: process.env,
  }).unref();
}
