import { parseArgs } from "node:util";
import { createLogger } from "#base";
import { runSupervisor } from "#supervisor";

/** `berth supervisor --exec-root DIR`: started by the daemon, outlives it. */
export async function runSupervisorRole(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...argv], options: { "exec-root": { type: "string" } }, strict: true });
  const execRoot = values["exec-root"] ?? "/run/berth";
  await runSupervisor({
    socketPath: `${execRoot}/supervisor.sock`,
    stateRoot: `${execRoot}/supervisor`,
    logger: createLogger("info"),
  });
}
