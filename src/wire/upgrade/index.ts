export * from "./detach-keys.ts";
export * from "./join.ts";
export * from "./request-head.ts";
