export * from "./contract.ts";
export { readLog } from "./read/read-log.ts";
export { RECORD_TEXT_BYTES } from "./record/encode.ts";
export {
  type LogStream,
  openStagedLog,
  type StagedLog,
  type StagedLogOptions,
  TAKE_BYTES,
} from "./write/staged-log.ts";
