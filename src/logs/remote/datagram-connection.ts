import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { delay, errorMessage } from "#base";
import { closeFd, connectDatagram, sendDatagram } from "#linux";

/** A place for single messages. */
export type DatagramConnection = {
  send(message: Uint8Array): Promise<void>;
  close(): void;
};

/** UDP to a host, whose name is looked up once. Sending never fails for want of a listener: UDP cannot know. */
export async function openUdp(host: string, port: number): Promise<DatagramConnection> {
  let address: { readonly address: string; readonly family: number };
  try {
    address = await lookup(host);
  } catch (error) {
    throw new Error(`dial udp ${host}:${port}: lookup ${host}: no such host`, { cause: error });
  }
  const socket = createSocket(address.family === 6 ? "udp6" : "udp4");
  // What a host answers by ICMP to an earlier message is no reason to stop.
  socket.on("error", () => {});
  socket.unref();
  return {
    send: (message) =>
      new Promise((resolve, reject) => {
        socket.send(message, port, address.address, (error) => {
          const code = (error as { code?: string } | null)?.code;
          if (error === null || code === "ECONNREFUSED") resolve();
          else reject(new Error(`write udp ${host}:${port}: ${errorMessage(error)}`));
        });
      }),
    close: () => socket.close(),
  };
}

const EAGAIN = -11;
const busyWaitMs = 5;
/** How long a receiver that does not read is waited for, 5 ms at a time. */
const busyTries = 2000;

/** A unix datagram socket such as /dev/log. Waits while the receiver is behind; rejects when it is gone. */
export function openUnixDatagram(path: string): DatagramConnection {
  const fd = connectDatagram(path);
  return {
    send: async (message) => {
      for (let attempt = 0; ; attempt++) {
        const result = sendDatagram(fd, message);
        if (result >= 0) return;
        if (result !== EAGAIN || attempt === busyTries) throw new Error(`write unixgram ${path}: errno ${-result}`);
        await delay(busyWaitMs);
      }
    },
    close: () => closeFd(fd),
  };
}
