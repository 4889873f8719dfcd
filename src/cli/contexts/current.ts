import { readConfig } from "../configuration/config-file.ts";
import type { ConnectionFlags } from "../connection/connect.ts";
import { cliErrors } from "../errors.ts";

/** Which context a command uses, and what chose it. */
export type CurrentContext = {
  readonly name: string;
  /** The daemon's address when a flag or the environment names one; it stands for the default context then. */
  readonly host?: string;
};

function firstSet(environment: NodeJS.ProcessEnv, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = environment[name];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** The variable that names the daemon, when one does: it wins over contexts that are not named by a flag. */
export function hostVariable(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return ["BERTH_HOST", "DOCKER_HOST"].find((name) => (environment[name] ?? "") !== "");
}

/**
 * docker's order: `--context`, `--host`, the variable of the host, the variable of the context, `context use`. Each of
 * docker's variables has one of our own, which comes first.
 */
export function currentContext(flags: ConnectionFlags, environment: NodeJS.ProcessEnv = process.env): CurrentContext {
  const hosts = flags.hosts ?? [];
  if (flags.context !== undefined && flags.context !== "") {
    if (hosts.length > 0)
      throw cliErrors["bad-option"]("conflicting options: cannot specify both --host and --context");
    const host = flags.context === "default" ? firstSet(environment, "BERTH_HOST", "DOCKER_HOST") : undefined;
    return { name: flags.context, ...(host !== undefined && { host }) };
  }
  if (hosts.length > 1) {
    throw cliErrors["bad-option"]("Failed to initialize: unable to resolve docker endpoint: Specify only one -H");
  }
  const host = hosts[0] ?? firstSet(environment, "BERTH_HOST", "DOCKER_HOST");
  if (host !== undefined) return { name: "default", host };
  const name = firstSet(environment, "BERTH_CONTEXT", "DOCKER_CONTEXT") ?? readConfig().currentContext;
  return { name: name === undefined || name === "" ? "default" : name };
}
