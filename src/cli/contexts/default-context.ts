import { defaultHost } from "#client";
import type { ContextDocument, ContextEndpoint } from "./store.ts";

/** The endpoint of the default context: what the environment names, else Berth's own socket. */
export function currentEndpoint(environment: NodeJS.ProcessEnv = process.env): ContextEndpoint {
  return { Host: environment["BERTH_HOST"] || environment["DOCKER_HOST"] || defaultHost, SkipTLSVerify: false };
}

/** What docker calls the default context in listings. */
export const defaultDescription = "Current DOCKER_HOST based configuration";

/** The default context as a document; it is never stored. */
export function defaultDocument(): ContextDocument {
  return { Name: "default", Metadata: {}, Endpoints: { docker: currentEndpoint() } };
}
