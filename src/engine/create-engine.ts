import { mkdirSync } from "node:fs";
import { errorMessage, KeyedMutex } from "#base";
import type { ImageStore } from "#images";
import { spreadDirectoriesIn } from "#linux";
import type { ProcessExit } from "#supervisor";
import { createArchiveService } from "./archive/archive-service.ts";
import { createContainerService } from "./containers/container-service.ts";
import { type Container, hasProcess } from "./containers/container.ts";
import { handleExit } from "./containers/exit.ts";
import type { ContainerParts } from "./containers/parts.ts";
import type { ContainerRegistry } from "./containers/registry.ts";
import { endStrays, reconcile, restartByPolicy, settleRestarts, sweepLeftovers } from "./containers/restore.ts";
import { type StopOrder, stopOrders } from "./containers/stop-orders.ts";
import { viewOf } from "./containers/view.ts";
import { lostExit } from "./containers/waiting.ts";
import type { Engine, SystemService } from "./contract/index.ts";
import { createExecService } from "./execs/exec-service.ts";
import { createExecRunner } from "./execs/run-in-container.ts";
import { createImageService } from "./images/image-service.ts";
import { createTransferParts, type TransferOptions } from "./images/transfer/parts.ts";
import { forgetOldPulls } from "./images/transfer/pull.ts";
import { dropUnrecorded } from "./networks/connections.ts";
import { namespacePathOf, nameServerOf } from "./networks/join-requests.ts";
import { createNetworkOperations } from "./networks/network-operations.ts";
import { createExitHub } from "./processes/exit-hub.ts";
import { createStepService } from "./steps/step-service.ts";
import { createLogForwardings } from "./logs/log-forwardings.ts";
import { createVolumeService } from "./volumes/volume-service.ts";

/** Everything the engine is made of; the daemon builds the parts and hands them over. */
export type EngineParts = Omit<ContainerParts, "locks" | "forwardings"> & {
  readonly store: ImageStore;
  readonly registry: ContainerRegistry;
  readonly system: SystemService;
  readonly transfers: TransferOptions;
};

/**
 * Puts the services together. `restore` brings record and kernel in line and must have finished before the first request
 * is served; `restartByPolicy` may go on while requests are served.
 */
export function createEngine(given: EngineParts): {
  readonly engine: Engine;
  restore(): Promise<void>;
  restartByPolicy(): Promise<void>;
  /** Ends what the engine does in the background. Containers go on. */
  stop(): Promise<void>;
  /** True while a container's process lives. */
  hasLiveContainers(): boolean;
  /** How to end what runs, for when the machine goes down. */
  stopOrders(): readonly StopOrder[];
} {
  const forwardings = createLogForwardings(given);
  const parts: ContainerParts = { ...given, forwardings, locks: new KeyedMutex() };
  const { registry, supervisor, logger } = parts;
  mkdirSync(parts.paths.containers, { recursive: true, mode: 0o710 });
  spreadDirectoriesIn(parts.paths.containers);
  mkdirSync(parts.paths.bundles, { recursive: true, mode: 0o710 });
  const hub = createExitHub(supervisor);
  const runner = createExecRunner(parts, hub);

  hub.onContainerExit((exit) => {
    const container = registry.byId(exit.id);
    if (container === undefined) {
      // An exec or build step of an earlier daemon: nobody waits for it.
      void supervisor.forget(exit.id).catch(() => {
        // The supervisor went away; its successor reports the exit again.
      });
      return;
    }
    if (held === undefined) finish(container, exit);
    else held.push({ container, exit });
  });
  /** Ends that come while record and kernel are compared: the list that is worked through does not have them yet. */
  let held: { readonly container: Container; readonly exit: ProcessExit }[] | undefined = [];
  const finish = (container: Container, exit: ProcessExit) => {
    parts.locks
      .run(container.id, () => handleExit(parts, runner, container, exit))
      .catch((error: unknown) =>
        logger.error("exit of a container", { container: exit.id, error: errorMessage(error) }),
      );
  };
  const takeOver = async () => {
    held ??= [];
    try {
      await reconcile(parts, runner);
    } finally {
      const late = held;
      held = undefined;
      for (const { container, exit } of late) finish(container, exit);
    }
  };
  supervisor.onReconnect(() => {
    void (async () => {
      hub.reconcile(await supervisor.list(), (id) =>
        lostExit(id, "the supervisor was killed and the process ended meanwhile"),
      );
      await takeOver();
      await endStrays(parts, (id) => registry.byId(id) !== undefined || hub.isExpected(id));
    })().catch((error: unknown) => logger.error("take-over after the supervisor died", { error: errorMessage(error) }));
  });

  const transfer = createTransferParts({ ...given, options: given.transfers });
  forgetOldPulls(transfer, false);
  const view = (reference: string) => viewOf(parts, registry.get(reference));
  return {
    engine: {
      containers: createContainerService(parts, runner),
      execs: createExecService(parts, runner),
      archives: createArchiveService(parts),
      images: createImageService({ ...given, transfer, view: (container) => view(container.id) }),
      networks: createNetworkOperations(parts),
      volumes: createVolumeService(parts),
      events: parts.events,
      system: given.system,
      steps: createStepService(parts, hub),
    },
    restore: async () => {
      await endStrays(parts, (id) => registry.byId(id) !== undefined);
      await takeOver();
      settleRestarts(parts);
      const live = [...registry.all()].filter((container) => hasProcess(container));
      await parts.network.restore(
        new Map(
          live.map((container) => [
            container.id,
            { namespacePath: namespacePathOf(container), nameServer: nameServerOf(parts, container) },
          ]),
        ),
      );
      for (const container of live) {
        await dropUnrecorded(parts, container).catch((error: unknown) =>
          logger.error("half-made connection to a network", { container: container.id, error: errorMessage(error) }),
        );
      }
      await sweepLeftovers(parts);
      forwardings.resume();
    },
    stop: () => forwardings.stop(),
    restartByPolicy: () => restartByPolicy(parts, runner),
    stopOrders: () => stopOrders(registry),
    hasLiveContainers: () => [...registry.all()].some((container) => hasProcess(container)),
  };
}
