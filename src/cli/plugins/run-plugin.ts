import { constants } from "node:os";
import type { ConnectionFlags } from "../connection/connect.ts";
import { cliErrors } from "../errors.ts";
import { pluginEnvironment } from "./plugin-environment.ts";
import type { Plugin } from "./plugin-metadata.ts";

/** Signals that end a command; the plugin decides what becomes of them. */
const passedOn = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

const signalNumbers: ReadonlyMap<unknown, number> = new Map(Object.entries(constants.signals));

/** Runs a plugin with the words of the command line, flags before its name too, and gives its exit status. */
export async function runPlugin(plugin: Plugin, argv: readonly string[], flags: ConnectionFlags): Promise<number> {
  if (plugin.problem !== undefined) throw cliErrors["plugin-invalid"](plugin.path, plugin.problem);
  const isTerminal = process.stdin.isTTY;
  // Listened for before the plugin is there; a listener is called only once this has given way, when it is.
  for (const signal of passedOn)
    process.on(signal, () => {
      // The terminal has sent it to the plugin as well.
      if (!isTerminal || (signal !== "SIGINT" && signal !== "SIGQUIT")) child.kill(signal);
    });
  const child = Bun.spawn([plugin.path, ...argv], {
    stdio: ["inherit", "inherit", "inherit"],
    env: pluginEnvironment(flags),
  });
  const status = await child.exited;
  return child.signalCode === null ? status : 128 + (signalNumbers.get(child.signalCode) ?? 0);
}
