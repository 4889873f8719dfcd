/** The supervisor as a process of its own, for tests: `bun role.ts SOCKET STATE_ROOT`. */
import { runSupervisor } from "#supervisor";

const [socketPath = "", stateRoot = ""] = process.argv.slice(2);
await runSupervisor({ socketPath, stateRoot, idleExitMs: 2000 });
process.exit(0);
