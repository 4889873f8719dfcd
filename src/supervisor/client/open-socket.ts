import { createConnection, type Socket } from "node:net";
import { errors } from "../errors.ts";
import { fromWireError, type Greeting, type GreetingReply, PROTOCOL_VERSION } from "../protocol/messages.ts";
import { readLines } from "./line-reader.ts";

/** Connects and greets. The socket comes paused, right behind the supervisor's reply. */
export function openSocket(path: string, greeting: Greeting): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error) => fail(errors.supervisorUnavailable(error.message));
    const onEnd = () => fail(errors.supervisorUnavailable("it closed the connection"));
    socket.on("error", onError);
    socket.on("close", onEnd);
    socket.on("connect", () => socket.write(`${JSON.stringify(greeting)}\n`));
    readLines(socket, (line) => {
      socket.off("close", onEnd);
      socket.off("error", onError);
      let reply: GreetingReply;
      try {
        reply = JSON.parse(line) as GreetingReply;
      } catch {
        fail(errors.supervisorUnavailable("it does not speak our protocol"));
        return false;
      }
      if ("error" in reply) {
        // A late error of a socket we have given up must not end the daemon.
        socket.on("error", () => {});
        fail(fromWireError(reply.error));
      } else if (reply.ok.version === PROTOCOL_VERSION) resolve(socket);
      else fail(errors.supervisorVersion(reply.ok.version, PROTOCOL_VERSION));
      return false;
    });
  });
}
