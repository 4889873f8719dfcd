export { errorCode, KernelError } from "./errno.ts";
export { addressOf, cString, stableBuffer } from "./memory.ts";
export { SYS } from "./numbers.ts";
export { type SyscallArgument, syscall, trySyscall } from "./syscall.ts";
