import { constants } from "node:os";

const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Aliases share a number; these are the names Linux prints.
names.set(11, "EAGAIN");
names.set(95, "EOPNOTSUPP");

/** The symbolic name of an errno value ("ENOENT"), or its number in digits when Linux has no name for it. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? String(errno);
}

/** A system call that failed: which call, on what, and why. Thrown only by `src/linux`. */
export class KernelError extends Error {
  readonly call: string;
  readonly errno: number;
  /** Symbolic errno, as in node's `error.code`. */
  readonly code: string;

  constructor(call: string, errno: number, detail?: string) {
    const code = errnoName(errno);
    super(`${call}: ${code}${detail === undefined ? "" : ` (${detail})`}`);
    this.name = "KernelError";
    this.call = call;
    this.errno = errno;
    this.code = code;
  }
}

/** The symbolic errno of a KernelError or of an error of node:fs; undefined for anything else. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
