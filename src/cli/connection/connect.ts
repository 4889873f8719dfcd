import { readFileSync } from "node:fs";
import { type Client, createClient, defaultHost, type TlsMaterial } from "#client";
import { cliErrors } from "../errors.ts";
import { bunDialer } from "./bun-dialer.ts";
import { startDaemonIfNeeded } from "./daemon-start.ts";

/** How to reach the daemon, as flags give it; the environment fills the gaps. */
export type ConnectionFlags = {
  readonly host?: string | undefined;
  readonly tls?: boolean;
  readonly tlsverify?: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
};

function readPem(path: string, isRequired: boolean): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (!isRequired) return undefined;
    throw cliErrors["file-unreadable"](path, (error as { code?: string }).code ?? "unreadable");
  }
}

function tlsMaterial(flags: ConnectionFlags, environment: NodeJS.ProcessEnv): TlsMaterial | undefined {
  const verify = flags.tlsverify === true || (environment["DOCKER_TLS_VERIFY"] ?? "") !== "";
  if (flags.tls !== true && !verify) return undefined;
  const directory = environment["DOCKER_CERT_PATH"] ?? `${environment["HOME"] ?? ""}/.docker`;
  const pem = (given: string | undefined, name: string) =>
    readPem(given === undefined || given === "" ? `${directory}/${name}` : given, (given ?? "") !== "");
  return {
    ca: pem(flags.tlscacert, "ca.pem"),
    cert: pem(flags.tlscert, "cert.pem"),
    key: pem(flags.tlskey, "key.pem"),
    verifyServer: verify,
  };
}

/** Makes the client of the daemon that the flags, BERTH_HOST or DOCKER_HOST name, else of our own on its socket. */
export function connectClient(
  flags: ConnectionFlags,
  mayStartDaemon: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Client {
  const chosen = [flags.host, environment["BERTH_HOST"], environment["DOCKER_HOST"]].find(
    (host) => host !== undefined && host !== "",
  );
  const apiVersion = environment["DOCKER_API_VERSION"];
  return createClient({
    host: normaliseHost(chosen ?? defaultHost),
    tls: tlsMaterial(flags, environment),
    dial: chosen === undefined && mayStartDaemon ? startDaemonIfNeeded(bunDialer) : bunDialer,
    apiVersion: apiVersion === "" ? undefined : apiVersion,
  });
}

/** `host:port` alone means TCP, as for docker. */
function normaliseHost(host: string): string {
  return host.includes("://") ? host : `tcp://${host}`;
}
