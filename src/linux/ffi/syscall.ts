import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import { KernelError } from "./errno.ts";
import { cString } from "./memory.ts";

const libc = dlopen("libc.so.6", {
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
  __errno_location: { args: [], returns: "ptr" },
});

/** What a system call takes: a number, an address as bigint, a buffer, a string (passed as C string) or NULL. */
export type SyscallArgument = number | bigint | Uint8Array | string | null;

/**
 * Calls the kernel by number (see `numbers.ts`) and returns its result, or `-errno` when it failed.
 * Synchronous: it blocks the thread as long as the call does. Buffers and strings stay alive for the call.
 */
export function trySyscall(number: number, ...args: readonly SyscallArgument[]): number {
  const kept: Uint8Array[] = [];
  const values = [0n, 0n, 0n, 0n, 0n, 0n] as [bigint, bigint, bigint, bigint, bigint, bigint];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === null || arg === undefined) continue;
    if (typeof arg === "bigint") values[index] = arg;
    else if (typeof arg === "number") values[index] = BigInt(arg);
    else {
      const buffer = typeof arg === "string" ? cString(arg) : arg;
      kept.push(buffer);
      values[index] = BigInt(ptr(buffer));
    }
  }
  const result = libc.symbols.syscall(BigInt(number), ...values);
  // Nothing may run between the call and this line, or errno could be another call's.
  const failed = Number(result) === -1;
  const errno = failed ? read.i32(libc.symbols.__errno_location() as Pointer, 0) : 0;
  // Also keeps the buffers reachable, and so in place, until the call has returned.
  kept.length = 0;
  return failed ? -errno : Number(result);
}

/**
 * Like `trySyscall`, but throws `KernelError` with `description` ("mount overlay on /x") when the call failed.
 * EINTR is retried.
 */
export function syscall(description: string, number: number, ...args: readonly SyscallArgument[]): number {
  for (;;) {
    const result = trySyscall(number, ...args);
    if (result >= 0) return result;
    if (result !== -4) throw new KernelError(description, -result);
  }
}
