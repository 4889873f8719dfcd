import type { Route } from "../http/route.ts";
import { archiveRoutes } from "./archive.ts";
import { bootstrapRoutes } from "./bootstrap.ts";
import { buildMountRoutes } from "./build-mounts.ts";
import { buildPruneRoutes } from "./build-prune.ts";
import { buildRoutes } from "./build.ts";
import { buildsRoutes } from "./builds.ts";
import { buildKitRoutes } from "./buildkit.ts";
import { checkpointRoutes } from "./checkpoints.ts";
import { attachWebSocketRoutes } from "./attach-websocket.ts";
import { commitRoutes } from "./commit.ts";
import { containerLifecycleRoutes } from "./container-lifecycle.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { eventRoutes } from "./events.ts";
import { execRoutes } from "./exec.ts";
import { imageTransferRoutes } from "./image-transfer.ts";
import { imageRoutes } from "./images.ts";
import { networkRoutes } from "./networks.ts";
import { pluginRoutes } from "./plugins.ts";
import { registryRoutes } from "./registries.ts";
import { swarmRoutes } from "./swarm.ts";
import { systemRoutes } from "./system.ts";
import { volumeRoutes } from "./volumes.ts";

/** Every route of the API. The compatibility table is generated from this. */
export const routes: readonly Route[] = [
  ...systemRoutes,
  ...eventRoutes,
  ...containerRoutes,
  ...containerLifecycleRoutes,
  ...containerStreamRoutes,
  ...attachWebSocketRoutes,
  ...execRoutes,
  ...archiveRoutes,
  ...commitRoutes,
  ...checkpointRoutes,
  ...imageRoutes,
  ...imageTransferRoutes,
  ...registryRoutes,
  ...bootstrapRoutes,
  ...buildRoutes,
  ...buildPruneRoutes,
  ...buildMountRoutes,
  ...buildKitRoutes,
  ...buildsRoutes,
  ...networkRoutes,
  ...volumeRoutes,
  ...pluginRoutes,
  ...swarmRoutes,
];
