import { join } from "node:path";
import { defaultHost } from "#client";
import { configDirectory } from "../configuration/config-file.ts";
import type { ConnectionFlags } from "../connection/connect.ts";
import { currentContext } from "../contexts/current.ts";

/** A program that is this command: the single file, or the script of a checkout. */
function ownCommand(): string {
  return Bun.main.startsWith("/$bunfs/") ? process.execPath : join(Bun.main, "../../bin/berth");
}

/**
 * The environment of a plugin: it finds the daemon and the contexts that this command would use. Flags before the
 * command are its own to read, so only what variables and the configuration say is put in docker's variables.
 */
export function pluginEnvironment(
  flags: ConnectionFlags,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const passed: NodeJS.ProcessEnv = {
    ...environment,
    DOCKER_CONFIG: configDirectory(),
    // How a plugin calls the command back, and knows that one called it (docker/cli: cli-plugins/metadata).
    DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: ownCommand(),
  };
  const { name, host } = currentContext(flags, environment);
  if (name === "default") {
    passed["DOCKER_HOST"] = host ?? defaultHost;
    delete passed["DOCKER_CONTEXT"];
  } else {
    passed["DOCKER_CONTEXT"] = name;
    delete passed["DOCKER_HOST"];
  }
  return passed;
}
