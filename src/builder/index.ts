export { type Builder, createBuilder } from "./builder.ts";
export type { BuildRequest } from "./request.ts";
