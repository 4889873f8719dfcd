import { join } from "node:path";
import { runCommand } from "../../engines/command.ts";
import type { Daemon } from "../daemon.ts";

type Step = { readonly name: string; readonly ok: boolean; readonly error?: string };

/** Runs a program of this folder with Node, as the users of its library do, and returns what went wrong, by step. */
export async function runJudge(
  daemon: Daemon,
  program: string,
): Promise<{ readonly passed: number; readonly failed: readonly string[] }> {
  const { exitCode, stdout, stderr } = await runCommand(
    ["node", join(import.meta.dir, program), daemon.engine.socket],
    {
      environment: {
        ...daemon.environment,
        TESTCONTAINERS_RYUK_DISABLED: "true",
        // What the machine has set for others.
        DOCKER_AUTH_CONFIG: "",
        DEBUG: "",
      },
    },
  );
  const steps = stdout
    .split("\n")
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => JSON.parse(line) as Step);
  const failed = steps.filter(({ ok }) => !ok).map(({ name, error = "" }) => `${name}: ${error}`);
  return {
    passed: steps.length - failed.length,
    failed: exitCode === 0 ? failed : [...failed, `${program} ended with ${exitCode}: ${stderr.slice(-2000)}`],
  };
}
