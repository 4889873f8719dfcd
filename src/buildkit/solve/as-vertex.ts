import { type Digest, digestOf, newId, nowNanoseconds } from "#base";
import type { BuildEvent } from "#builder";

/** Shows a piece of work before the build's own steps as one of its vertices. */
export async function asVertex<T>(
  emit: (event: BuildEvent) => void,
  name: string,
  work: (report: (id: string, current: number) => void) => Promise<T>,
  digest: Digest = digestOf(`${name} ${newId()}`),
): Promise<T> {
  const started = nowNanoseconds();
  const vertex = { kind: "vertex", digest, inputs: [], name, started, cached: false, source: undefined } as const;
  emit({ ...vertex, completed: undefined, error: undefined });
  let last: { readonly id: string; readonly current: number } | undefined;
  let toldAt = 0n;
  const status = (id: string, current: number, completed: bigint | undefined) =>
    emit({
      kind: "status",
      vertex: digest,
      id,
      current,
      total: 0,
      timestamp: nowNanoseconds(),
      started,
      completed,
    });
  try {
    const result = await work((id, current) => {
      last = { id, current };
      const now = nowNanoseconds();
      if (now - toldAt < 100_000_000n) return;
      toldAt = now;
      status(id, current, undefined);
    });
    if (last !== undefined) status(last.id, last.current, nowNanoseconds());
    emit({ ...vertex, completed: nowNanoseconds(), error: undefined });
    return result;
  } catch (error) {
    emit({ ...vertex, completed: nowNanoseconds(), error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}
