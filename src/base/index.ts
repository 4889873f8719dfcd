export * from "./async.ts";
export * from "./digest.ts";
export * from "./durations.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./logger.ts";
export * from "./sizes.ts";
export * from "./time.ts";
