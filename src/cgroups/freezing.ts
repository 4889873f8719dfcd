import { delay } from "#base";
import { errors } from "./errors.ts";

const patienceMs = 10_000;

/**
 * Waits until `isFrozen`; `attempt` runs before each look with its number. On failure `undo` runs, so that no
 * container stays half frozen.
 */
export async function waitUntilFrozen(
  path: string,
  attempt: (count: number) => void,
  isFrozen: () => boolean,
  undo: () => void,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (let count = 0; ; count++) {
    attempt(count);
    if (isFrozen()) return;
    if (performance.now() > deadline) {
      undo();
      throw errors.freezeTimedOut(path);
    }
    await delay(count < 20 ? 1 : 20);
  }
}
