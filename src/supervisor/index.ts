export { type ConnectOptions, connectSupervisor } from "./client/connect.ts";
export { runSupervisor, type SupervisorOptions } from "./process/run-supervisor.ts";
export * from "./protocol/client.ts";
