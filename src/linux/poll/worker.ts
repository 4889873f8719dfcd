/**
 * The thread that sleeps in the kernel so that the main thread need not: waits until something in the epoll set is
 * ready, says so, and waits until the main thread has dealt with it. Entry point of its own in a compiled executable.
 */
import { waitForReadiness } from "./epoll.ts";

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<{ set: number; gate: SharedArrayBuffer }>) => {
  const gate = new Int32Array(event.data.gate);
  for (;;) {
    // 1 = the main thread was told and is busy, 0 = go on, 2 = the poller was closed.
    Atomics.wait(gate, 0, 1);
    if (Atomics.load(gate, 0) === 2) return;
    if (!waitForReadiness(event.data.set)) continue;
    if (Atomics.compareExchange(gate, 0, 0, 1) === 2) return;
    postMessage(0);
  }
});
