import { EngineError, errorMessage } from "#base";
import { errorCode } from "#linux";
import { errors } from "../errors.ts";

/** Runs `work`; a disk that is full is said to be so, whatever it was that could not be written. */
export async function asDiskFull<T>(step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const shown = step.length > 80 ? `${step.slice(0, 77)}...` : step;
    throw errors["build-disk-full"](shown);
  }
}

/** Whether something could not be written because the disk is full, or a quota reached. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof EngineError && error.kind !== "internal" && error.kind !== "exhausted") return false;
  const code = errorCode(error);
  return (
    code === "ENOSPC" ||
    code === "EDQUOT" ||
    code === "SQLITE_FULL" ||
    /ENOSPC|no space left/i.test(errorMessage(error))
  );
}
