import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Reply } from "./route.ts";

/** Writes a whole HTTP answer to a connection that has left the HTTP server, and closes it. */
export function writeRawReply(socket: Duplex, reply: Reply, headers: readonly (readonly [string, string])[]): void {
  if (socket.destroyed) return;
  const body = reply.kind === "json" ? `${JSON.stringify(reply.value)}\n` : reply.kind === "empty" ? "" : reply.text;
  const lines = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? "Unknown"}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (reply.kind === "json" || reply.kind === "serialised") lines.push("Content-Type: application/json");
  if (reply.status !== 204 && reply.status !== 304) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  lines.push("Connection: close", "", body);
  socket.on("error", () => socket.destroy());
  socket.end(lines.join("\r\n"));
  // What the client still sends is of no interest, but must be read for its end to be seen.
  socket.resume();
}
