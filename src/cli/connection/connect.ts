import { errorMessage } from "#base";
import { type Client, createClient, defaultHost, type Dialer, type TlsMaterial } from "#client";
import { readConfig } from "../configuration/config-file.ts";
import { type CurrentContext, currentContext } from "../contexts/current.ts";
import { cliErrors } from "../errors.ts";
import { bunDialer } from "./bun-dialer.ts";
import { startDaemonIfNeeded } from "./daemon-start.ts";

/** How to reach the daemon, as flags give it; the environment and the configuration fill the gaps. */
export type ConnectionFlags = {
  readonly hosts?: readonly string[];
  readonly context?: string;
  readonly tls?: boolean;
  readonly tlsverify?: boolean;
  readonly tlscacert?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
};

/** A daemon and the way to it. */
export type Target = {
  /** As the client takes it. */
  readonly host: string;
  readonly tls?: TlsMaterial | undefined;
  readonly dial: Dialer;
};

function isPlain(flags: ConnectionFlags, current: CurrentContext, environment: NodeJS.ProcessEnv): boolean {
  if (current.name !== "default" || (current.host !== undefined && !current.host.startsWith("unix://"))) return false;
  return (
    flags.tls !== true &&
    flags.tlsverify !== true &&
    (environment["DOCKER_TLS_VERIFY"] ?? "") === "" &&
    (environment["DOCKER_TLS"] ?? "") === ""
  );
}

/**
 * Makes ready the way to the daemon that flags, environment and configuration name, else to our own on its socket. The
 * client is made when it is first asked for: a command that needs none must not fail for a context that is gone. What
 * ssh, TLS and contexts need is loaded only when they are used.
 */
export async function prepareConnection(
  flags: ConnectionFlags,
  mayStartDaemon: boolean,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<() => Client> {
  let target: Target;
  try {
    const current = currentContext(flags, environment);
    if (isPlain(flags, current, environment)) {
      const dial = current.host === undefined && mayStartDaemon ? startDaemonIfNeeded(bunDialer) : bunDialer;
      target = { host: current.host ?? defaultHost, dial };
    } else {
      const { resolveTarget } = await import("./target.ts");
      target = resolveTarget(flags, current, environment);
    }
  } catch (error) {
    return () => {
      throw error;
    };
  }
  return () => {
    const apiVersion = environment["DOCKER_API_VERSION"];
    const options = { apiVersion: apiVersion === "" ? undefined : apiVersion, headers: readConfig().HttpHeaders };
    try {
      return createClient({ ...target, ...options });
    } catch (error) {
      throw cliErrors["connection-setup"](errorMessage(error));
    }
  };
}
