import { join } from "node:path";
import { EngineError, errorMessage, nowNanoseconds } from "#base";
import type { Sandbox } from "#network";
import { errors } from "../errors.ts";
import { startHealthProbe } from "../health/probe.ts";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { emitVolumeEvents } from "../volumes/volume-events.ts";
import { mountVolumesOf } from "../volumes/volume-mounts.ts";
import { joinRequestOf, nameServerOf } from "../networks/join-requests.ts";
import { linkedContainers, openLinkedPorts, refreshLinks } from "../networks/links.ts";
import { emitEndpointEvents } from "../networks/network-events.ts";
import { placesOf } from "../networks/places.ts";
import { runBundle } from "../processes/run-bundle.ts";
import { createBoundSources } from "./bound-sources.ts";
import type { PreparedForwarding } from "../logs/log-forwardings.ts";
import { joinedContainer } from "./namespaces.ts";
import type { Container } from "./container.ts";
import { cleanUpProcess } from "./clean-up.ts";
import { writeEtcFiles } from "./etc-files.ts";
import { logConfigurationOf, logTargetOf } from "./container-log.ts";
import { removeContainer } from "./remove.ts";
import { type ContainerParts, emitContainerEvent } from "./parts.ts";
import { portPublications } from "./port-publications.ts";
import { prepareGroup } from "./prepare-group.ts";
import { buildSpec } from "./spec.ts";
import { idMappingOf, openUserNamespace, streamOwner, type UserNamespace } from "./user-namespace.ts";

/**
 * Starts a created or stopped container; the caller holds its lock. not-modified when it runs.
 * On failure everything done so far is undone, the reason stays in `State.Error`, and an auto-remove container is removed.
 */
export async function startContainer(parts: ContainerParts, runner: ExecRunner, container: Container): Promise<void> {
  const { life } = container;
  if (life.status === "paused") throw errors.startPaused();
  if (life.status === "running" || life.status === "restarting") throw errors.alreadyStarted(container.name);
  if (life.status === "dead" || life.status === "removing" || container.removing) throw errors.startDead();
  life.restartCount = 0;
  container.restartDelayMs = 0;
  await launch(parts, runner, container, "user");
}

/** What start and the restart policy share: bring the process up, or undo and report. */
export async function launch(
  parts: ContainerParts,
  runner: ExecRunner,
  container: Container,
  startedBy: "user" | "policy",
): Promise<void> {
  const { life } = container;
  try {
    await bringUp(parts, container, startedBy);
  } catch (error) {
    await cleanUpProcess(parts, container).catch((cause: unknown) =>
      parts.logger.error("clean-up after a failed start", { container: container.id, error: errorMessage(cause) }),
    );
    life.status = life.everStarted ? "exited" : "created";
    life.pid = 0;
    life.exitCode = failureExitCode(error);
    life.error = errorMessage(error);
    if (life.everStarted) life.finishedAt = nowNanoseconds();
    try {
      parts.registry.saveLife(container);
    } catch (cause) {
      // The row still says what was before the start, which is as true after a restart of the daemon.
      parts.logger.error("failed start cannot be written", { container: container.id, error: errorMessage(cause) });
    }
    // Without the reason: whoever called start gets it, and the docker command would print it a second time.
    const notice = { exitCode: life.exitCode };
    for (const waiter of [...container.exitWaiters]) waiter(notice);
    if (container.document.hostConfig.AutoRemove === true) {
      await removeContainer(parts, container, { volumes: true });
    }
    throw error;
  }
  life.manuallyStopped = false;
  emitContainerEvent(parts, container, "start");
  startHealthProbe(parts, runner, container);
}

/** 127 = not found, 126 = cannot be executed, 128 = anything else (moby `daemon/errors.go`). */
function failureExitCode(error: unknown): number {
  if (!(error instanceof EngineError)) return 128;
  if (error.code === "commandNotFound") return 127;
  if (error.code === "commandNotExecutable") return 126;
  return 128;
}

async function bringUp(parts: ContainerParts, container: Container, startedBy: "user" | "policy"): Promise<void> {
  parts.noticeMigration();
  const { config, hostConfig } = container.document;
  const directory = join(parts.paths.containers, container.id);
  const bundle = join(parts.paths.bundles, container.id);
  const runtime = parts.runtime(hostConfig.Runtime ?? "");
  const rootfs = parts.snapshots.mount(container.id);
  const releaseVolumes = await mountVolumesOf(parts.volumes, container);
  using _volumes = { [Symbol.dispose]: () => releaseVolumes?.() };
  const links = linkedContainers(parts, container);
  const user = idMappingOf(parts, hostConfig) === undefined ? undefined : await openUserNamespace(parts, container);
  using _user = { [Symbol.dispose]: () => user?.release() };
  const sandbox = await openSandbox(parts, container, user);
  const bound = createBoundSources(parts, container.id);
  let forwarding: PreparedForwarding | undefined;
  try {
    forwarding = await parts.forwardings.prepare(container, startedBy);
    const etc = writeEtcFiles(parts, container, directory, { sandbox, links });
    openLinkedPorts(parts, container, links);
    prepareGroup(parts, container);
    const spec = buildSpec(parts, container, { rootfs, sandbox, user, etc, bound });
    const terminal = config.Tty === true;
    const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
    const request = {
      id: container.id,
      bundle,
      runtime,
      streams: {
        terminal,
        openStdin: config.OpenStdin === true,
        stdinOnce: config.StdinOnce === true && !terminal,
        consoleSize: height > 0 && width > 0 ? { height, width } : undefined,
        ...streamOwner(user?.idMapping),
      },
      log: logTargetOf(parts, container, logConfigurationOf(container.id, container.name, container.document)),
    };
    const started = await runBundle(parts, spec, request);
    forwarding?.begin();
    const { life } = container;
    life.status = "running";
    life.pid = started.pid;
    life.exitCode = 0;
    life.error = "";
    life.oomKilled = false;
    life.startedAt = BigInt(started.startedAt);
    life.everStarted = true;
    parts.registry.saveStarted(container);
    emitVolumeEvents(parts, "mount", container);
    emitEndpointEvents(parts, "connect", container.id, placesOf(parts.network, container));
    refreshLinks(parts, container);
  } catch (error) {
    forwarding?.abandon();
    throw error;
  } finally {
    sandbox?.release();
    bound.release();
  }
}

/** The container's own network namespace; undefined when it uses the host's or another container's. */
async function openSandbox(
  parts: ContainerParts,
  container: Container,
  user: UserNamespace | undefined,
): Promise<Sandbox | undefined> {
  const { config, hostConfig, networkRequests } = container.document;
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (mode === "host") return undefined;
  if (mode.startsWith("container:")) {
    joinedContainer(parts.registry, container, "network", mode);
    return undefined;
  }
  const requests = config.NetworkDisabled === true ? [] : Object.entries(networkRequests);
  const networks = requests.map(([network, settings]) => joinRequestOf(parts, container, network, settings));
  return parts.network.createSandbox({
    containerId: container.id,
    containerName: container.name,
    networks,
    publications: networks.length === 0 ? [] : portPublications(config, hostConfig),
    sysctls: networkSysctls(hostConfig.Sysctls ?? {}),
    nameServer: nameServerOf(parts, container),
    namespace: user?.network,
  });
}

/** Those of a container's sysctls that are the network's; the runtime writes the rest. */
function networkSysctls(sysctls: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(sysctls).filter(([name]) => /^net[./]/.test(name)));
}
