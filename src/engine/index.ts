export * from "./contract/index.ts";
export { createEngine, type EngineParts } from "./create-engine.ts";
export type { EnginePaths } from "./containers/parts.ts";
export type { HostConfigDefaults } from "./containers/host-config.ts";
export type { StopOrder } from "./containers/stop-orders.ts";
export { openRegistry } from "./containers/registry.ts";
export { createEventService } from "./events/event-service.ts";
export { createSystemService } from "./system/system-service.ts";
