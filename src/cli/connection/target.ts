import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultHost, type TlsMaterial } from "#client";
import { configDirectory } from "../configuration/config-file.ts";
import type { CurrentContext } from "../contexts/current.ts";
import { contextNotFound, endpointOf, findContext, tlsOf } from "../contexts/store.ts";
import { cliErrors } from "../errors.ts";
import { bunDialer } from "./bun-dialer.ts";
import type { ConnectionFlags, Target } from "./connect.ts";
import { sshTarget } from "./ssh.ts";

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    const reason = code === "ENOENT" ? "no such file or directory" : (code ?? "unreadable");
    throw cliErrors["connection-setup"](`unable to resolve docker endpoint: open ${path}: ${reason}`);
  }
}

/**
 * The certificates of `--tls` and `--tlsverify`. As for docker, the ones in DOCKER_CERT_PATH, else in the configuration
 * directory, must be there, with `--tls` too, unless flags name others.
 */
function tlsMaterial(flags: ConnectionFlags, environment: NodeJS.ProcessEnv): TlsMaterial | undefined {
  const verify = flags.tlsverify === true || (environment["DOCKER_TLS_VERIFY"] ?? "") !== "";
  if (flags.tls !== true && !verify && (environment["DOCKER_TLS"] ?? "") === "") return undefined;
  const directory = environment["DOCKER_CERT_PATH"] || configDirectory();
  const pem = (given: string | undefined, name: string) =>
    // "" leaves one out on purpose.
    given === "" ? undefined : readPem(given ?? join(directory, name));
  return {
    ca: pem(flags.tlscacert, "ca.pem"),
    cert: pem(flags.tlscert, "cert.pem"),
    key: pem(flags.tlskey, "key.pem"),
    verifyServer: verify,
  };
}

/** `host:port` alone means TCP, as for docker. */
function normaliseHost(host: string): string {
  return host.includes("://") ? host : `tcp://${host}`;
}

function targetOf(address: string, tls: TlsMaterial | undefined): Target {
  const host = normaliseHost(address);
  if (host.startsWith("ssh://")) return sshTarget(host);
  if (host.startsWith("npipe://")) throw cliErrors["connection-setup"]("protocol not available");
  if (!/^(?:unix|tcp|https?|fd):\/\//.test(host)) {
    throw cliErrors["connection-setup"](`unable to resolve docker endpoint: invalid bind address format: ${host}`);
  }
  return { host, tls, dial: bunDialer };
}

/** The daemon of a context, a flag or a variable. Throws docker's sentences about what cannot be used. */
export function resolveTarget(
  flags: ConnectionFlags,
  { name, host }: CurrentContext,
  environment: NodeJS.ProcessEnv,
): Target {
  if (name === "default") return targetOf(host ?? defaultHost, tlsMaterial(flags, environment));
  const document = findContext(name);
  if (document === undefined) {
    throw cliErrors["connection-setup"](`unable to resolve docker endpoint: ${contextNotFound(name)}`);
  }
  const endpoint = endpointOf(document);
  if (endpoint === undefined) {
    throw cliErrors["connection-setup"](
      `unable to resolve docker endpoint: endpoint "docker" not found in context "${name}"`,
    );
  }
  return targetOf(endpoint.Host ?? defaultHost, tlsOf(name, endpoint));
}
