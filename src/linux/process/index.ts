export { asFileUser, type FileUser } from "./file-user.ts";
export { becomeProgram } from "./execute.ts";
export { duplicateFromProcess, exitCodeOfWaitStatus, openPidfd, reapedWaitStatus, sendSignalByPidfd } from "./pidfd.ts";
export { type ProcessStat, readProcessStat } from "./stat.ts";
export { becomeSubreaper } from "./subreaper.ts";
export { peekEndedChild, reapByPid, reapByPidfd } from "./wait.ts";
