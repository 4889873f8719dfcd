import { addressOf, cString, KernelError, stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

/** A NULL-terminated array of C strings, and what must stay referenced while the kernel reads it. */
function stringArray(texts: readonly string[]): { readonly array: Buffer; readonly kept: readonly Buffer[] } {
  const kept = texts.map(cString);
  const array = stableBuffer((texts.length + 1) * 8);
  for (const [index, text] of kept.entries()) array.writeBigUInt64LE(addressOf(text), index * 8);
  return { array, kept };
}

/**
 * Makes this process another program: pid, parent and children stay, everything else goes (execve(2)). The environment
 * is empty. Throws when the program cannot be started; otherwise it does not return.
 */
export function becomeProgram(path: string, args: readonly string[]): never {
  const words = stringArray([path, ...args]);
  const environment = stringArray([]);
  const result = trySyscall(SYS.execve, path, words.array, environment.array);
  throw new KernelError(`execve ${path} (${words.kept.length} words)`, -result);
}
