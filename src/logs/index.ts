export * from "./contract.ts";
export { readLog } from "./read/read-log.ts";

export {
  type LogStream,
  openStagedLog,
  type StagedLog,
  type StagedLogOptions,
  TAKE_BYTES,
} from "./write/staged-log.ts";
