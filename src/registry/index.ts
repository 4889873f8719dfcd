export { decodeRegistryAuth, decodeRegistryConfig, type RegistryCredentials } from "./auth/credentials.ts";
export type { RegistryClient } from "./client/client.ts";
export type { ManifestDocument } from "./client/manifest.ts";
export type { RemoteManifest, RemoteRepository } from "./client/repository.ts";
export {
  defaultCertificateDirectories,
  parseInsecureRegistry,
  parseMirror,
  registryConfig,
  type RegistrySettings,
} from "./client/settings.ts";
export type { SearchRequest, SearchResult } from "./client/search.ts";
export type { UploadSource } from "./client/upload.ts";

/** The client's parts, loaded when somebody first speaks to a registry. */
export async function loadRegistryClient() {
  const { createRegistryClient } = await import("./client/client.ts");
  const { assertImage, isForeign, parseManifest } = await import("./client/manifest.ts");
  const { parsePlatform } = await import("./client/platform.ts");
  return {
    createRegistryClient,
    assertImage,
    isForeign,
    parseManifest,
    parsePlatform,
  };
}

export type { RegistryServer } from "./server/start.ts";
export type { RegistryServerConfig } from "./server/settings.ts";

/** The server's parts, loaded when somebody serves. */
export async function loadRegistryServer() {
  const [settings, start] = await Promise.all([import("./server/settings.ts"), import("./server/start.ts")]);
  return {
    /** Fills in what a configuration leaves out. */
    completeServerConfig: settings.completeServerConfig,
    parseMirrorFlag: settings.parseMirrorFlag,
    parseServerConfig: settings.parseServerConfig,
    readServerConfig: settings.readServerConfig,
    startRegistryServer: start.startRegistryServer,
  };
}
