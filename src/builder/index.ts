export { type Builder, type BuilderParts, createBuilder } from "./builder.ts";
export { parseChanges } from "./changes.ts";
export type { BuildContext, BuildEvent, BuildRequest } from "./request.ts";
