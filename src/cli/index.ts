export { startDaemonIfNeeded } from "./connection/daemon-start.ts";
export { runCli } from "./program.ts";
