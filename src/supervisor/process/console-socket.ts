import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { acceptUnix, EPOLL, listenUnix, type Poller, receiveDescriptor, setNonBlocking, SYS, trySyscall } from "#linux";

/** Where a runtime delivers a terminal: it connects and sends the master (runc, docs/terminals.md). */
export type ConsoleSocket = {
  readonly path: string;
  /** The master, non-blocking, if it came; the caller closes it. Call after the runtime has ended. */
  take(): number | undefined;
  close(): void;
};

/** Listens on a fresh path, short because socket paths are. `onMaster` is called when the terminal comes. */
export function openConsoleSocket(stateRoot: string, poller: Poller, onMaster: (fd: number) => void): ConsoleSocket {
  const path = join(stateRoot, `tty-${randomBytes(6).toString("hex")}`);
  const listener = listenUnix(path, 1);
  let connection: number | undefined;
  let master: number | undefined;
  const receive = () => {
    if (connection === undefined) {
      const accepted = acceptUnix(listener);
      if (accepted < 0) return;
      connection = accepted;
      poller.watch(connection, EPOLL.IN, receive);
    }
    const message = receiveDescriptor(connection);
    if (typeof message === "number" && message < 0) return;
    if (typeof message !== "number" && message.fd !== undefined) {
      if (master === undefined) {
        master = message.fd;
        onMaster(master);
      } else trySyscall(SYS.close, message.fd);
    }
    poller.unwatch(connection);
  };
  // runc waits until its message was taken, so this cannot be left to the end.
  poller.watch(listener, EPOLL.IN, receive);
  return {
    path,
    take: () => {
      if (master === undefined) receive();
      const taken = master;
      master = undefined;
      if (taken !== undefined) setNonBlocking(taken);
      return taken;
    },
    close: () => {
      for (const fd of [listener, connection, master]) {
        if (fd === undefined) continue;
        poller.unwatch(fd);
        trySyscall(SYS.close, fd);
      }
      connection = undefined;
      master = undefined;
      rmSync(path, { force: true });
    },
  };
}
