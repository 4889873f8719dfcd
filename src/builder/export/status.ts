import { nowNanoseconds } from "#base";
import type { ExportProgress } from "../contract.ts";

/** Shows a piece of an export as a line of its vertex. */
export async function asStatus<T>(progress: ExportProgress, id: string, work: () => Promise<T>): Promise<T> {
  const started = nowNanoseconds();
  progress.status({ id, current: 0, total: 0, started, completed: undefined });
  const result = await work();
  progress.status({ id, current: 0, total: 0, started, completed: nowNanoseconds() });
  return result;
}
