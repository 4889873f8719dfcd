import { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import { createStdioDemuxer } from "#wire";
import { serverErrors } from "../errors.ts";
import { hijackRoute, type Route } from "../http/route.ts";
import { flag, text } from "../http/query.ts";
import { containerActor, detachInspector, serveAttachment, writeReplay } from "./container-streams.ts";
import { websocketStream } from "./websocket-stream.ts";

/** Longest message a client may send: it is all in memory before the process gets any of it. */
const MESSAGE_LIMIT_BYTES = 1024 * 1024;

/** Takes the frames off a process's output; what goes to the process passes unchanged. */
function withoutFrames(framed: Duplex): Duplex {
  const plain = new Duplex({
    read() {
      framed.resume();
    },
    write: (chunk: Buffer, _encoding, done) => {
      if (framed.write(chunk)) done();
      else framed.once("drain", () => done());
    },
    final: (done) => {
      framed.end();
      done();
    },
    destroy: (error, done) => {
      framed.destroy();
      done(error);
    },
  });
  const demuxer = createStdioDemuxer((_stream, piece) => {
    if (!plain.push(Buffer.from(piece))) framed.pause();
  });
  framed.on("data", (chunk: Buffer) => {
    try {
      demuxer.push(chunk);
    } catch (error) {
      plain.destroy(error as RangeError);
    }
  });
  framed.once("end", () => plain.push(null));
  framed.once("close", () => plain.destroy());
  framed.on("error", (error) => plain.destroy(error));
  return plain;
}

/** The handshake, done by the library; undefined when the client left, which the library would not tell. */
async function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  binary: boolean,
): Promise<Duplex | undefined> {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_LIMIT_BYTES, perMessageDeflate: false });
  return new Promise((resolve) => {
    // The head filter has put Docker's own protocol here, as for every call that takes over its connection.
    request.headers.upgrade = "websocket";
    socket.once("close", () => resolve(undefined));
    if (socket.destroyed) resolve(undefined);
    server.handleUpgrade(request, socket, head, (client) => resolve(websocketStream(client, socket, binary)));
    socket.resume();
  });
}

/** Attach for browsers: no frames, and every message is a piece of a stream. */
export const attachWebSocketRoutes: readonly Route[] = [
  hijackRoute({
    method: "GET",
    path: "/containers/{id}/attach/ws",
    query: { detachKeys: text(), logs: flag(), stream: flag(), stdin: flag(), stdout: flag(), stderr: flag() },
    async handle(call) {
      const { parts, params, query, request, version } = call;
      const { engine } = parts;
      const container = engine.containers.get(params["id"] ?? "");
      detachInspector(query.detachKeys, container.config.Tty === true);
      const key = request.headers["sec-websocket-key"] ?? "";
      if (!call.upgraded || key === "" || request.headers["sec-websocket-version"] !== "13")
        throw serverErrors["websocket-required"]();
      // Which streams could only be chosen from 1.42 on.
      const chosen = (wanted: boolean) => version < 42 || wanted;
      const stdin = chosen(query.stdin) && query.stream;
      const attachment = await engine.containers.attach(container.id, {
        stdin,
        stdout: chosen(query.stdout),
        stderr: chosen(query.stderr),
        stream: query.stream,
        logs: query.logs,
      });
      const client = await acceptWebSocket(request, call.socket, call.head, version >= 28);
      if (client === undefined) {
        attachment.stream.destroy();
        return;
      }
      await writeReplay(client, attachment, ({ line }) => line);
      const stream = attachment.terminal ? attachment.stream : withoutFrames(attachment.stream);
      await serveAttachment(
        client,
        { ...attachment, stream },
        {
          head: Buffer.alloc(0),
          stdin,
          detachKeys: query.detachKeys,
          onDetach: () => engine.events.emit({ type: "container", action: "detach", actor: containerActor(container) }),
        },
      );
    },
  }),
];
