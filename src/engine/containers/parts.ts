import { join } from "node:path";
import type { KeyedMutex, Logger } from "#base";
import type { Cgroup } from "#cgroups";
import type { ImageCatalog, ImageTrust, LayerStore, Snapshotter } from "#images";
import type { NetworkService } from "#network";
import type { HostLimits } from "#runtime";
import type { RuntimeCommand, SupervisorClient } from "#supervisor";
import type { LocalVolumes } from "#volumes";
import type { EventService } from "../contract/index.ts";
import type { Container } from "./container.ts";
import type { LogForwardings } from "../logs/log-forwardings.ts";
import type { HostConfigDefaults } from "./host-config.ts";
import type { ContainerRegistry } from "./registry.ts";

/** Where things of this daemon lie. */
export type EnginePaths = {
  /** `<data root>/containers`: a directory per container with its log and its /etc files. */
  readonly containers: string;
  /** `<exec root>/bundles`: a directory per running container with its config.json. */
  readonly bundles: string;
};

/** The parts that the container operations are made of; each function takes the few it uses. */
export type ContainerParts = {
  readonly registry: ContainerRegistry;
  readonly locks: KeyedMutex;
  readonly supervisor: SupervisorClient;
  readonly network: NetworkService;
  /** Sends logs elsewhere for the drivers that do. */
  readonly forwardings: LogForwardings;
  readonly catalog: ImageCatalog;
  /** Asked before a container is made of an image. */
  readonly trust: ImageTrust;
  readonly layers: LayerStore;
  readonly snapshots: Snapshotter;
  readonly volumes: LocalVolumes;
  readonly events: EventService;
  readonly logger: Logger;
  readonly paths: EnginePaths;
  readonly defaults: HostConfigDefaults;
  /** Opens a control group by its `cgroupsPath`. */
  readonly openCgroup: (path: string) => Cgroup;
  /** Names of the control groups right below a path. */
  readonly childCgroups: (path: string) => readonly string[];
  /** To be called when a process is about to be put into a control group; see `#cgroups`. */
  readonly noticeMigration: () => void;
  /** `/berth` or `/berth-<instance>`: parent of every container's control group. */
  readonly cgroupParent: string;
  /** The OCI runtime by name; throws when it is unknown or does not work here. */
  readonly runtime: (name: string) => RuntimeCommand;
  /** What limits are checked against. */
  readonly hostLimits: HostLimits;
  /** Where CDI specifications are looked for. */
  readonly cdiDirectories: readonly string[];
  /** Host's init for `--init`; undefined when the host has none. */
  readonly initPath: string | undefined;
  /** The host's CA bundle, when containers are to trust it (daemon option). */
  readonly hostCaBundle: string | undefined;
  /** Default OCI process settings of this daemon. */
  readonly noNewPrivileges: boolean;
  readonly seccompProfile: string;
  readonly appArmorProfile: string | undefined;
};

/** The control group of a container, as `cgroupsPath` in config.json. */
export function cgroupPath(parts: Pick<ContainerParts, "cgroupParent">, container: Container): string {
  const parent = container.document.hostConfig.CgroupParent ?? "";
  // "..": the root of the hierarchy has no parent, so nothing leads out of it.
  return join(parent === "" ? parts.cgroupParent : join("/", parent), container.id);
}

/** Reports something about a container: all its labels, image and name, and what `extra` adds. */
export function emitContainerEvent(
  parts: Pick<ContainerParts, "events">,
  container: Container,
  action: string,
  extra: Readonly<Record<string, string>> = {},
): void {
  parts.events.emit({
    type: "container",
    action,
    actor: {
      id: container.id,
      attributes: {
        ...container.document.config.Labels,
        image: container.document.imageName,
        name: container.name,
        ...extra,
      },
    },
  });
}
