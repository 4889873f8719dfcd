export * from "./protocol/client.ts";
