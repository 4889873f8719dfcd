import type { ArchiveService } from "./archives.ts";
import type { ContainerService } from "./containers.ts";
import type { EventService } from "./events.ts";
import type { ExecService } from "./execs.ts";
import type { ImageService } from "./images.ts";
import type { NetworkOperations } from "./networks.ts";
import type { StepService } from "./steps.ts";
import type { SystemService } from "./system.ts";
import type { VolumeService } from "./volumes.ts";

/** The services the protocols (HTTP routes, builder, CRI) call. No object holds them all but this record. */
export type Engine = {
  readonly containers: ContainerService;
  readonly execs: ExecService;
  readonly archives: ArchiveService;
  readonly images: ImageService;
  readonly networks: NetworkOperations;
  readonly volumes: VolumeService;
  readonly events: EventService;
  readonly system: SystemService;
  readonly steps: StepService;
};
