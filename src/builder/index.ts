export { type Builder, createBuilder } from "./builder.ts";
export type { BuildEvent, BuildFailure, BuildRequest, BuildResult } from "./contract.ts";
