export { type Client, type ClientOptions, createClient, defaultHost, dialOnNode, newestApiVersion } from "./client.ts";
export { isDaemonError } from "./errors.ts";
export type { Filters } from "./filters.ts";
export { type OutputFrame, type OutputStream, readFrames, readRawAsFrames } from "./frames.ts";
export type { Connection, Dialer, Endpoint, TlsMaterial } from "#wire";
export { createIncoming } from "#wire";
export type { BuildOptions } from "./resources/build.ts";
export type { AttachOptions, LogsOptions, PathStat } from "./resources/containers.ts";
export type { HijackedStream } from "./transport.ts";
