export * from "./contract.ts";
export { detectCgroups, type OfferedLimits, offeredLimits, unifiedHierarchy } from "./layout.ts";
export { openMigrationNotice } from "./migration.ts";
export { childCgroups, openCgroup } from "./open.ts";
export * from "./resources.ts";
export { cpuWeightOfShares } from "./v2/cpu.ts";
