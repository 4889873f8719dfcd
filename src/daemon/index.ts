export { type RunningDaemon, runDaemon, startDaemon } from "./run-daemon.ts";
export { type DaemonOptions, parseDaemonOptions } from "./options.ts";
