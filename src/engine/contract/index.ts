export * from "./archives.ts";
export * from "./attachments.ts";
export * from "./container-view.ts";
export * from "./containers.ts";
export * from "./engine.ts";
export * from "./events.ts";
export * from "./execs.ts";
export * from "./images.ts";
export * from "./networks.ts";
export * from "./stats.ts";
export * from "./steps.ts";
export * from "./system.ts";
export * from "./volumes.ts";

// The records the services hand out, for folders that may not reach the folders that define them.
export type { BlkioEntry, CgroupStats } from "#cgroups";
export type { RestartPolicy } from "#formats";
export type { Change, ImageHistoryLine, ImageProgress, ImageRecord, ImageRemoval } from "#images";
export type { LogReadOptions, LogRecord } from "#logs";
export type { Endpoint, NetworkRecord, NetworkRequest, PublishedPort } from "#network";
export type { VolumeRecord } from "#volumes";
export type { ImageManifestView } from "../images/manifests.ts";
