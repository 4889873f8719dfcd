export * from "./contract.ts";
export * from "./resources.ts";
