export * from "./tar/index.ts";
export * from "./upgrade/index.ts";
export * from "./stdio/index.ts";
export * from "./http/index.ts";
