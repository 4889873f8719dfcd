import { existsSync } from "node:fs";
import { join } from "node:path";
import { delay, errorMessage, type Logger } from "#base";
import {
  forwardLog,
  isRemoteLogDriver,
  logDestinationUnavailable,
  type LogForwarding,
  type LogSender,
  readPosition,
  type RemoteDriver,
  remoteDriver,
} from "#logs";
import { type Container, hasProcess } from "../containers/container.ts";
import { logConfigurationOf, logPathOf } from "../containers/container-log.ts";
import type { EnginePaths } from "../containers/parts.ts";
import type { ContainerRegistry } from "../containers/registry.ts";

/** How long a removal waits for what was not sent yet (moby, loggerCloseTimeout). */
const drainPatienceMs = 10_000;
/** While the daemon starts, and for drivers told not to wait, nobody waits long for another machine. */
const shortPatienceMs = 500;

/** A driver that is ready for a container about to start. */
export type PreparedForwarding = {
  /** The container runs. */
  begin(): void;
  /** It could not be started. */
  abandon(): void;
};

/** The logs of this daemon's containers that drivers send elsewhere (`src/logs/remote`). */
export type LogForwardings = {
  /**
   * Connects before a start; undefined for drivers of this host. A destination that does not answer refuses a user's start, but
   * never a restart policy's: a service must not stay down because the place of its logs does.
   */
  prepare(container: Container, startedBy: "user" | "policy"): Promise<PreparedForwarding | undefined>;
  /** The container's process has ended and its log is whole: the rest is sent in the background. */
  end(id: string): void;
  /** Waits until all was sent, for some seconds at most, and lets go. Before the log is removed. */
  drain(container: Container): Promise<void>;
  /** After a start of the daemon: goes on where the last one stopped. */
  resume(): void;
  stop(): Promise<void>;
};

type Active = { readonly forwarding: LogForwarding; readonly end: () => void; readonly isPatient: boolean };

/** Makes them. Containers whose log stays on this host cost nothing here. */
export function createLogForwardings(parts: {
  readonly paths: EnginePaths;
  readonly registry: ContainerRegistry;
  readonly logger: Logger;
}): LogForwardings {
  const { paths, registry, logger } = parts;
  const active = new Map<string, Active>();
  let isStarting = true;
  const isRemote = (container: Container) => isRemoteLogDriver(container.document.hostConfig.LogConfig?.Type ?? "");
  const positionPath = (id: string) => join(paths.containers, id, "log-position.json");

  const begin = (container: Container, driver: RemoteDriver, sender: LogSender | undefined, hasEnded: boolean) => {
    const { id } = container;
    const configuration = logConfigurationOf(id, container.name, container.document);
    const path = logPathOf(parts, container, configuration);
    if (configuration.remote === undefined || path === undefined) return;
    const ended = Promise.withResolvers<void>();
    if (hasEnded) ended.resolve();
    const forwarding = forwardLog({
      path,
      positionPath: positionPath(id),
      driver,
      delivery: configuration.remote.delivery,
      sender,
      ended: ended.promise,
      onError: (message) => logger.warn("log driver", { container: id, error: message }),
    });
    const entry: Active = { forwarding, end: () => ended.resolve(), isPatient: !driver.connectsLater };
    active.set(id, entry);
    void forwarding.done.then(() => {
      if (active.get(id) === entry) active.delete(id);
    });
  };

  const driverOf = (container: Container): Promise<RemoteDriver> | undefined => {
    const { remote } = logConfigurationOf(container.id, container.name, container.document);
    return remote === undefined ? undefined : remoteDriver(remote);
  };

  /** Something of a run that ended is still to be sent. */
  const isBehind = (container: Container): boolean => {
    if (readPosition(positionPath(container.id))?.complete === true) return false;
    const path = logPathOf(parts, container, logConfigurationOf(container.id, container.name, container.document));
    return path !== undefined && existsSync(path);
  };

  const goOn = async (container: Container) => {
    const driver = await driverOf(container);
    if (driver === undefined || active.has(container.id) || registry.byId(container.id) !== container) return;
    begin(container, driver, undefined, !hasProcess(container));
  };

  return {
    prepare: async (container, startedBy) => {
      if (!isRemote(container)) return undefined;
      await active.get(container.id)?.forwarding.stop();
      const driver = await driverOf(container);
      if (driver === undefined) return undefined;
      let sender: LogSender | undefined;
      try {
        sender = await driver.connect();
      } catch (error) {
        if (startedBy === "user" && !driver.connectsLater) throw logDestinationUnavailable(errorMessage(error));
      }
      return {
        begin: () => begin(container, driver, sender, false),
        abandon: () => {
          active.get(container.id)?.end();
          sender?.close();
        },
      };
    },
    end: (id) => active.get(id)?.end(),
    drain: async (container) => {
      if (!isRemote(container)) return;
      if (!active.has(container.id) && isBehind(container)) await goOn(container);
      const entry = active.get(container.id);
      if (entry === undefined) return;
      entry.end();
      const patienceMs = isStarting || !entry.isPatient ? shortPatienceMs : drainPatienceMs;
      await Promise.race([entry.forwarding.done, delay(patienceMs)]);
      await entry.forwarding.stop();
    },
    resume: () => {
      isStarting = false;
      for (const container of registry.all()) {
        if (!isRemote(container) || active.has(container.id)) continue;
        if (!hasProcess(container) && (!container.life.everStarted || !isBehind(container))) continue;
        void goOn(container).catch((error: unknown) =>
          logger.warn("log driver", { container: container.id, error: errorMessage(error) }),
        );
      }
    },
    stop: async () => {
      await Promise.all([...active.values()].map(({ forwarding }) => forwarding.stop()));
    },
  };
}
