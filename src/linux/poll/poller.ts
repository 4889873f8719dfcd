import { stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";
import { workerLocation } from "../worker-location.ts";
import { createEpollSet, EPOLL } from "./epoll.ts";

/** Called on the main thread when a descriptor is ready; `events` are bits of `EPOLL`. */
export type ReadyHandler = (events: number) => void;

/**
 * Readiness of any number of descriptors of any kind (FIFOs, terminals, pidfds, sockets), level-triggered: a handler
 * that leaves something undone is called again. Handlers must not wait, and should bound what they do in one call.
 */
export type Poller = {
  /** Watches `fd`, which must stay open until `unwatch`. A second call replaces events and handler. */
  watch(fd: number, events: number, handler: ReadyHandler): void;
  /** Stops watching; call before closing the descriptor. Idempotent. */
  unwatch(fd: number): void;
  /** Stops the waiting thread; watched descriptors stay open. */
  close(): void;
};

/** Starts a poller. `onError` hears of handlers that throw: one broken descriptor must not stop the others. */
export function createPoller(onError: (error: unknown) => void): Poller {
  const set = createEpollSet();
  const handlers = new Map<number, ReadyHandler>();
  const shared = new SharedArrayBuffer(4);
  const gate = new Int32Array(shared);
  // Wakes the waiting thread for the last time.
  const stop = syscall("eventfd2", SYS.eventfd2, 0, 0o2000000 | 0o4000);

  const dispatch = () => {
    set.wait(0, (fd, events) => {
      // A handler called earlier in this round may have closed this one.
      const handler = handlers.get(fd);
      if (handler === undefined) return;
      try {
        handler(events);
      } catch (error) {
        onError(error);
      }
    });
    if (Atomics.compareExchange(gate, 0, 1, 0) === 1) Atomics.notify(gate, 0);
  };

  const worker = new Worker(workerLocation("linux/poll/worker"), { smol: true, name: "poll" });
  worker.addEventListener("message", dispatch);
  worker.addEventListener("error", (event) => onError(new Error(`poll thread: ${event.message}`)));
  worker.postMessage({ set: set.fd, gate: shared }, []);

  return {
    watch: (fd, events, handler) => {
      if (handlers.has(fd)) set.modify(fd, events);
      else set.add(fd, events);
      handlers.set(fd, handler);
    },
    unwatch: (fd) => {
      if (handlers.delete(fd)) set.remove(fd);
    },
    close: () => {
      handlers.clear();
      Atomics.store(gate, 0, 2);
      Atomics.notify(gate, 0);
      set.add(stop, EPOLL.IN);
      const one = stableBuffer(8);
      one.writeUInt8(1, 0);
      trySyscall(SYS.write, stop, one, 8);
      worker.unref();
      worker.terminate();
    },
  };
}
