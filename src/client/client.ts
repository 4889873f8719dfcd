import { parseEndpoint } from "./endpoint.ts";
import { type Dialer, nodeDialer, type TlsMaterial } from "#wire";
import { createBuild } from "./resources/build.ts";
import { createContainers } from "./resources/containers.ts";
import { createExec } from "./resources/exec.ts";
import { createImages } from "./resources/images.ts";
import { createNetworks } from "./resources/networks.ts";
import { createSolve } from "./resources/solve.ts";
import { createSystem } from "./resources/system.ts";
import { createVolumes } from "./resources/volumes.ts";
import { createTransport } from "./transport.ts";

/** The newest Docker Engine API this client speaks. */
export const newestApiVersion = "1.50";

/** Which daemon to talk to, and how. */
export type ClientOptions = {
  /** `unix:///path`, `tcp://host:port`, `https://host:port`. @default "unix:///run/berth/berth.sock" */
  readonly host?: string | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** Speak exactly this API version instead of the newest both sides know. */
  readonly apiVersion?: string | undefined;
  /** How connections are opened. @default `node:net` and `node:tls` */
  readonly dial?: Dialer | undefined;
  /** @default "berth" */
  readonly userAgent?: string | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

/** Where a daemon listens unless told otherwise. */
export const defaultHost = "unix:///run/berth/berth.sock";

/** Dials with `node:net`, loaded at the first call. */
export const dialOnNode: Dialer = async (endpoint, signal) => (await import("#wire")).nodeDialer(endpoint, signal);

/** A client of one daemon (Berth's, or any that speaks the Docker Engine API). Nothing is sent before the first call. */
export function createClient(options: ClientOptions = {}) {
  const transport = createTransport({
    endpoint: parseEndpoint(options.host ?? defaultHost, options.tls),
    dial: options.dial ?? nodeDialer,
    maximumVersion: newestApiVersion,
    pinnedVersion: options.apiVersion,
    userAgent: options.userAgent ?? "berth",
    headers: options.headers ?? {},
  });
  return {
    build: createBuild(transport),
    containers: createContainers(transport),
    exec: createExec(transport),
    images: createImages(transport),
    networks: createNetworks(transport),
    solve: createSolve(transport),
    system: createSystem(transport),
    volumes: createVolumes(transport),
    /** Any route, for what has no method of its own. */
    transport,
    /** A bare connection to the daemon, before any request; the caller closes it. */
    dial: () => transport.dial(),
    /** Closes idle connections; a process with none left can end. */
    close: () => transport.close(),
  };
}

/** The groups of calls on one connection setting. */
export type Client = ReturnType<typeof createClient>;
