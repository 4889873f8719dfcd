import { deferred } from "./deferred.ts";

/** A single-reader queue of received chunks that pauses its source above a high-water mark. */
export type Incoming = {
  push(chunk: Uint8Array): void;
  finish(error?: Error): void;
  read(): Promise<Uint8Array | undefined>;
};

const highWaterBytes = 1024 * 1024;

/** Turns pushed chunks into pulled ones; `pause` and `resume` are called as the queue fills and drains. */
export function createIncoming(pause: () => void, resume: () => void): Incoming {
  const chunks: Uint8Array[] = [];
  let queuedBytes = 0;
  let paused = false;
  let finished = false;
  let failure: Error | undefined;
  let waiting: ReturnType<typeof deferred<Uint8Array | undefined>> | undefined;
  return {
    push(chunk) {
      if (finished) return;
      if (waiting !== undefined) {
        const reader = waiting;
        waiting = undefined;
        reader.resolve(chunk);
        return;
      }
      chunks.push(chunk);
      queuedBytes += chunk.length;
      if (queuedBytes > highWaterBytes && !paused) {
        paused = true;
        pause();
      }
    },
    finish(error) {
      if (finished) return;
      finished = true;
      failure = error;
      const reader = waiting;
      waiting = undefined;
      if (error === undefined) reader?.resolve(undefined);
      else reader?.reject(error);
    },
    read() {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        queuedBytes -= chunk.length;
        if (paused && queuedBytes < highWaterBytes / 2) {
          paused = false;
          resume();
        }
        return Promise.resolve(chunk);
      }
      if (failure !== undefined) return Promise.reject(failure);
      if (finished) return Promise.resolve(undefined);
      waiting = deferred();
      return waiting.promise;
    },
  };
}
