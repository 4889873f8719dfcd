import { nowNanoseconds } from "#base";
import type { ContainerService, ContainerView } from "../contract/index.ts";
import { errors } from "../errors.ts";
import { emitPruneEvent } from "../events/prune-event.ts";
import type { ExecRunner } from "../execs/run-in-container.ts";
import { renameOnNetworks } from "../networks/rename.ts";
import { linkNames, removeLink } from "../networks/links.ts";
import { collectStats } from "../stats/collect-stats.ts";
import { listProcesses } from "../top/list-processes.ts";
import { attachContainer } from "./attach.ts";
import { type Container, hasProcess, isUp } from "./container.ts";
import { createContainer } from "./create.ts";
import { killContainer } from "./kill.ts";
import { readContainerLogs } from "./logs.ts";
import { cgroupPath, type ContainerParts, emitContainerEvent } from "./parts.ts";
import { pauseContainer, unpauseContainer } from "./pause.ts";
import { removeByUser } from "./remove.ts";
import { startContainer } from "./start.ts";
import { restartContainer, stopContainer } from "./stop.ts";
import { updateContainer } from "./update.ts";
import { viewOf } from "./view.ts";
import { waitForContainer } from "./wait.ts";

/** The operations on containers, each in a file of its own; this is only the table that names them. */
export function createContainerService(parts: ContainerParts, runner: ExecRunner): ContainerService {
  const { registry, locks } = parts;
  const get = (reference: string) => registry.get(reference);
  const locked = <T>(reference: string, work: (container: Container) => Promise<T> | T): Promise<T> => {
    const container = get(reference);
    return locks.run(container.id, () => work(container));
  };
  const view = (container: Container): ContainerView => viewOf(parts, container);

  return {
    create: (request) => createContainer(parts, request),
    start: async (reference) => locked(reference, (container) => startContainer(parts, runner, container)),
    stop: async (reference, options) => stopContainer(parts, get(reference), options),
    restart: async (reference, options) => restartContainer(parts, runner, get(reference), options),
    kill: async (reference, signal) => killContainer(parts, reference, get(reference), signal),
    pause: async (reference) => locked(reference, (container) => pauseContainer(parts, container)),
    unpause: async (reference) => locked(reference, (container) => unpauseContainer(parts, container)),
    wait: async (reference, condition, signal) => {
      const container = get(reference);
      return { result: waitForContainer(container, condition, signal) };
    },
    remove: async (reference, options) =>
      options.link ? removeLink(parts, reference) : removeByUser(parts, get(reference), options),
    rename: async (reference, name) =>
      locked(reference, (container) => {
        if (name === "" || name === "/") throw errors.renameEmpty();
        const before = container.name;
        registry.rename(container, name.replace(/^\//, ""));
        if (hasProcess(container)) renameOnNetworks(parts, container);
        emitContainerEvent(parts, container, "rename", { oldName: `/${before}` });
      }),
    update: async (reference, body) => locked(reference, (container) => updateContainer(parts, container, body)),
    attach: async (reference, options) => attachContainer(parts, get(reference), options),
    resize: async (reference, size) => {
      const container = get(reference);
      if (!hasProcess(container)) throw errors.notRunning(container.id);
      // Without a terminal there is nothing to do, and nothing wrong (containerd's shim says nothing either).
      if (container.document.config.Tty === true) await parts.supervisor.resize(container.id, size);
      emitContainerEvent(parts, container, "resize", { height: String(size.height), width: String(size.width) });
    },
    get: (reference) => view(get(reference)),
    list: function* (which = "all") {
      const names = linkNames(registry);
      for (const container of newestFirst(registry.all())) {
        if (which === "all" || isUp(container)) yield viewOf(parts, container, names);
      }
    },
    findName: (id) => registry.byId(id)?.name,
    directories: (reference) => parts.snapshots.directories(get(reference).id),
    sizes: async (reference) => {
      const container = get(reference);
      const writableBytes = await parts.snapshots.usage(container.id);
      const layers = container.document.diffIds.reduce((sum, diffId) => sum + parts.layers.sizeOf(diffId), 0);
      return { writableBytes, rootFsBytes: writableBytes + layers };
    },
    logs: async (reference, options) => readContainerLogs(parts, get(reference), options),
    stats: async (reference) => {
      const container = get(reference);
      return collectStats({
        id: container.id,
        name: container.name,
        read: nowNanoseconds(),
        cgroup: hasProcess(container) ? parts.openCgroup(cgroupPath(parts, container)) : undefined,
        endpoints: hasProcess(container) ? parts.network.describe(container.id).endpoints : [],
        pid: container.life.pid,
      });
    },
    top: async (reference, psArguments) => {
      const container = get(reference);
      if (container.life.status === "restarting") throw errors.restarting(container.id);
      if (!hasProcess(container)) throw errors.notRunning(container.id);
      emitContainerEvent(parts, container, "top");
      return listProcesses(parts.openCgroup(cgroupPath(parts, container)).pids(), psArguments);
    },
    prune: async (keep) => {
      const deleted: string[] = [];
      let reclaimedBytes = 0;
      for (const container of [...registry.all()]) {
        const stopped =
          container.life.status === "exited" || container.life.status === "created" || container.life.status === "dead";
        if (!stopped || container.removing || keep(view(container))) continue;
        reclaimedBytes += await parts.snapshots.usage(container.id);
        await removeByUser(parts, container, { force: false, volumes: false });
        deleted.push(container.id);
      }
      emitPruneEvent(parts.events, "container", reclaimedBytes);
      return { deleted, reclaimedBytes };
    },
  };
}

function newestFirst(containers: Iterable<Container>): readonly Container[] {
  return [...containers].sort((one, other) => (one.document.created < other.document.created ? 1 : -1));
}
