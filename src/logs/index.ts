export * from "./contract.ts";
export { logDestinationUnavailable } from "./errors.ts";
export { type LoggedContainer } from "./options/attributes.ts";
export {
  checkLogDefaults,
  isRemoteLogDriver,
  type LogConfiguration,
  logConfiguration,
  type LogDelivery,
  logDrivers,
  type RemoteLog,
} from "./options/log-configuration.ts";
export { readLog } from "./read/read-log.ts";
export { forwardLog, type LogForwarding } from "./remote/forward-log.ts";
export { readPosition } from "./remote/position.ts";
export { type LogSender, type RemoteDriver, remoteDriver } from "./remote/sender.ts";

export {
  type LogStream,
  openStagedLog,
  type StagedLog,
  type StagedLogOptions,
  TAKE_BYTES,
} from "./write/staged-log.ts";
