import { chmodSync, rmSync } from "node:fs";
import type { Logger } from "#base";
import { acceptUnix, EPOLL, listenUnix, type Poller, SYS, trySyscall } from "#linux";
import { errors } from "../errors.ts";
import type { AttachRequest, ProcessExit } from "../protocol/client.ts";
import {
  type CallMessage,
  type Greeting,
  type GreetingReply,
  LINE_BYTES_MAX,
  PROTOCOL_VERSION,
  type SupervisorMessage,
  toWireError,
} from "../protocol/messages.ts";
import { type Connection, openConnection } from "./connection.ts";
import type { Processes } from "./processes.ts";

const NEWLINE = 10;
const BACKLOG = 512;
const EMFILE = 24;
const ACCEPT_PAUSE_MS = 50;

/** The supervisor's socket. */
export type Server = {
  announceExit(exit: ProcessExit): void;
  /** Control connections that are open. */
  readonly controllers: number;
  close(): void;
};

async function answer(processes: Processes, message: CallMessage): Promise<unknown> {
  switch (message.call) {
    case "run":
    case "exec":
      return await processes.start(message.argument);
    case "signal":
      return processes.running(message.argument.id).signal(message.argument.signal);
    case "resize":
      return processes.running(message.argument.id).resize(message.argument);
    case "closeStdin":
      return processes.running(message.argument.id).closeStdin();
    case "list":
      return processes.list();
    case "forget":
      return await processes.forget(message.argument.id);
    default:
      throw errors.supervisorRequestInvalid(`no call "${(message as { call: string }).call}"`);
  }
}

/** Cuts a byte stream into lines, and gives the rest back when a line turned the stream into something else. */
function createLineCutter(onLine: (line: string, rest: Buffer) => boolean, onTooLong: () => void) {
  let kept = Buffer.alloc(0);
  return (bytes: Buffer) => {
    kept = kept.length === 0 ? Buffer.from(bytes) : Buffer.concat([kept, bytes]);
    for (let at = kept.indexOf(NEWLINE); at >= 0; at = kept.indexOf(NEWLINE)) {
      const line = kept.toString("utf8", 0, at);
      kept = kept.subarray(at + 1);
      if (!onLine(line, kept)) return;
    }
    if (kept.length > LINE_BYTES_MAX) onTooLong();
  };
}

/** Listens at `path`, for root alone. */
export function listen(
  path: string,
  poller: Poller,
  processes: Processes,
  logger: Logger,
  onChange: () => void,
): Server {
  const controllers = new Set<Connection>();
  rmSync(path, { force: true });
  const mask = process.umask(0o177);
  const listener = listenUnix(path, BACKLOG);
  process.umask(mask);
  chmodSync(path, 0o600);
  const send = (connection: Connection, message: SupervisorMessage | GreetingReply) => {
    connection.write(Buffer.from(`${JSON.stringify(message)}\n`));
  };

  const call = async (connection: Connection, line: string) => {
    let n = -1;
    try {
      const message = JSON.parse(line) as CallMessage;
      n = message.n;
      send(connection, { n, ok: (await answer(processes, message)) ?? null });
    } catch (error) {
      send(connection, { n, error: toWireError(error) });
    }
  };

  const accept = (fd: number) => {
    let role: "new" | "control" | "stream" = "new";
    const feed = createLineCutter(
      (line, rest) => {
        if (role === "control") {
          void call(connection, line);
          return true;
        }
        return greet(line, rest);
      },
      () => connection.close(),
    );
    const greet = (line: string, rest: Buffer): boolean => {
      try {
        const greeting = JSON.parse(line) as Greeting;
        if ("hello" in greeting) {
          role = "control";
          controllers.add(connection);
          send(connection, { ok: { version: PROTOCOL_VERSION, pid: process.pid } });
          onChange();
          return true;
        }
        role = "stream";
        attach(greeting.attach, rest);
        return false;
      } catch (error) {
        send(connection, { error: toWireError(error) });
        connection.endWriting();
        return false;
      }
    };
    const attach = (request: AttachRequest, rest: Buffer) => {
      const attachers = processes.attachersFor(request);
      send(connection, { ok: { version: PROTOCOL_VERSION, pid: process.pid } });
      // The same socket, from here on with other readers.
      attachers.add(connection.release(), request, rest);
    };
    const connection: Connection = openConnection(poller, fd, {
      onData: (bytes) => {
        if (role !== "stream") feed(bytes);
      },
      onEnd: () => connection.close(),
      onClose: () => {
        if (controllers.delete(connection)) onChange();
      },
    });
  };

  const onReady = () => {
    for (;;) {
      const fd = acceptUnix(listener);
      if (fd >= 0) {
        accept(fd);
        continue;
      }
      if (fd === -EMFILE) {
        // Out of descriptors: those that wait are served when some are free again.
        logger.warn("no descriptor is free for a new connection");
        poller.unwatch(listener);
        setTimeout(() => poller.watch(listener, EPOLL.IN, onReady), ACCEPT_PAUSE_MS);
      }
      return;
    }
  };
  poller.watch(listener, EPOLL.IN, onReady);

  return {
    announceExit: (exit) => {
      for (const connection of controllers) send(connection, { exit });
    },
    get controllers() {
      return controllers.size;
    },
    close: () => {
      poller.unwatch(listener);
      trySyscall(SYS.close, listener);
      rmSync(path, { force: true });
    },
  };
}
