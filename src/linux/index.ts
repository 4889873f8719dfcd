export * from "./ffi/index.ts";
export * from "./proc/index.ts";
export * from "./files/index.ts";
export * from "./mount/index.ts";
