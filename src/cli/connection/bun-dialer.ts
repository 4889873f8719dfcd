import { createIncoming, type Dialer, dialOnNode } from "#client";

/** Dials unix sockets with Bun's own sockets: 13 ms less to load than `node:net`. Everything else goes the usual way. */
export const bunDialer: Dialer = async (endpoint, signal) => {
  if (endpoint.kind !== "unix") return dialOnNode(endpoint, signal);
  let isOpen = true;
  let drained = Promise.withResolvers<void>();
  // Bytes the kernel did not take yet.
  let pending: Uint8Array[] = [];
  let endWanted = false;
  let opened: Bun.Socket | undefined;
  const incoming = createIncoming(
    () => opened?.pause(),
    () => opened?.resume(),
  );
  const socket = await Bun.connect({
    unix: endpoint.path,
    allowHalfOpen: true,
    socket: {
      binaryType: "uint8array",
      data: (_socket, chunk) => incoming.push(chunk),
      drain: (writable) => {
        while (pending.length > 0) {
          const chunk = pending[0] as Uint8Array;
          const written = writable.write(chunk);
          if (written < chunk.length) {
            pending[0] = chunk.subarray(Math.max(0, written));
            return;
          }
          pending.shift();
        }
        if (endWanted) writable.shutdown();
        drained.resolve();
      },
      end: () => {
        isOpen = false;
        incoming.finish();
      },
      close: (_socket, error) => {
        isOpen = false;
        incoming.finish(error);
        drained.resolve();
      },
      error: (_socket, error) => incoming.finish(error),
    },
  });
  opened = socket;
  return {
    write(data) {
      const bytes = typeof data === "string" ? Buffer.from(data) : data;
      if (pending.length > 0) {
        pending.push(bytes.slice());
        return drained.promise;
      }
      const written = Math.max(0, socket.write(bytes));
      if (written >= bytes.length || !isOpen) return Promise.resolve();
      pending = [bytes.slice(written)];
      drained = Promise.withResolvers();
      return drained.promise;
    },
    end() {
      if (pending.length > 0) endWanted = true;
      else socket.shutdown();
    },
    read: () => incoming.read(),
    destroy(reason) {
      isOpen = false;
      incoming.finish(reason);
      socket.terminate();
    },
    get isOpen() {
      return isOpen;
    },
  };
};
