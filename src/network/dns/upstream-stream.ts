import { isAnswerTo, type Query } from "./message.ts";
import { createFrameReader, frame } from "./stream-frames.ts";
import type { Within } from "./upstream-socket.ts";

const dnsPort = 53;

/** Puts one query to a server by TCP, on a connection of its own. Rejects when there is no answer before the signal aborts. */
export async function askByTcp(within: Within, server: string, query: Query, signal: AbortSignal): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    const fail = (): void => reject(new Error(`no answer from ${server} by TCP`));
    const read = createFrameReader((message) => {
      if (isAnswerTo(message, query.id, query)) resolve(message);
      else fail();
    });
    signal.addEventListener("abort", fail, { once: true });
    // The socket is made before the promise is returned, and so in the namespace the thread is in now.
    const connecting = within(() =>
      Bun.connect({
        hostname: server,
        port: dnsPort,
        socket: {
          open: (socket) => void socket.write(frame(query.bytes)),
          data: (_socket, data) => {
            if (!read(Buffer.from(data))) fail();
          },
          close: fail,
          error: fail,
          connectError: fail,
        },
      }),
    );
    connecting.then((socket) => {
      const end = (): void => socket.terminate();
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    }, fail);
  });
}
