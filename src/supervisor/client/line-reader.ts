import type { Socket } from "node:net";
import { LINE_BYTES_MAX } from "../protocol/messages.ts";

/** Calls back for each line of a socket until the callback returns false; then the rest is put back and it is paused. */
export function readLines(socket: Socket, onLine: (line: string) => boolean): void {
  let kept: Buffer[] = [];
  let length = 0;
  const onData = (bytes: Buffer) => {
    if (!bytes.includes(10)) {
      kept.push(bytes);
      length += bytes.length;
      if (length > LINE_BYTES_MAX) socket.destroy(new Error("a line of the supervisor is too long"));
      return;
    }
    let rest = kept.length === 0 ? bytes : Buffer.concat([...kept, bytes]);
    kept = [];
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = rest.toString("utf8", 0, at);
      rest = rest.subarray(at + 1);
      if (onLine(line)) continue;
      socket.pause();
      socket.off("data", onData);
      if (rest.length > 0) socket.unshift(rest);
      return;
    }
    kept = rest.length > 0 ? [rest] : [];
    length = rest.length;
  };
  socket.on("data", onData);
}
