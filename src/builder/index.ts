export { type Builder, createBuilder } from "./builder.ts";
export type {
  AgentProvider,
  BuildContext,
  BuildEvent,
  BuildExporter,
  BuildFailure,
  BuildOutcome,
  BuildRequest,
  BuildResult,
  CacheDirectory,
  NamedContext,
  SecretProvider,
} from "./contract.ts";
export { type LayoutBlobs, layoutOfTree, parseLayoutReference } from "./context/oci-layout.ts";
export { openTree } from "./run/contexts.ts";
export { isDockerfileFrontend } from "./parse/frontend.ts";
export { platformsOf } from "./plan/platforms.ts";
export { fetchRemoteContext, isRemoteContext, isTarStart, remoteNamedContext } from "./context/remote-context.ts";
export { openDownload } from "./copy/download.ts";
export { treeArchive } from "./export/tree-archive.ts";
export { pusher } from "./export/push.ts";
export type { OpenRepository } from "./cache/transfer/locations.ts";
export { createReceivedTree, type KeptContent, type SpoolFile } from "./context/received-tree.ts";
export { readEntryText } from "./context/read-entry-text.ts";
export type { SourceEntry, SourceTree } from "./context/tree.ts";
export { type BuildDescription, type BuildRecord, type Builds, createBuilds } from "./history/builds.ts";
export type { BuildFacts } from "./export/attestations/provenance.ts";
export { readAttestations } from "./export/attestations/attestations.ts";
export { createExporters, type Exporters } from "./export/exporters.ts";
export type { ExportDestination, ExporterParts } from "./export/settings.ts";
