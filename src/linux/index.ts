export * from "./ffi/index.ts";
export * from "./proc/index.ts";
