import type { Socket } from "node:net";
import { delay, errorMessage, isErrorKind, type Logger } from "#base";
import { errors } from "../errors.ts";
import type { ProcessExit, SupervisorClient } from "../protocol/client.ts";
import { type Calls, fromWireError, PROTOCOL_VERSION, type SupervisorMessage } from "../protocol/messages.ts";
import { readLines } from "./line-reader.ts";
import { openSocket } from "./open-socket.ts";

/** How to reach a supervisor, and how to make one. */
export type ConnectOptions = {
  readonly socketPath: string;
  /** The supervisor's folder; named in errors. */
  readonly stateRoot: string;
  /** Starts `berth supervisor`, detached in a session of its own; called when none answers. It may return at once. */
  readonly spawn: () => Promise<void> | void;
  readonly logger: Logger;
};

const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 50;
const START_PATIENCE_MS = 10_000;
const SPAWN_AGAIN_MS = 3000;
const RETRY_MS = 1000;

/** How long a call waits for the supervisor to come back before it fails as unavailable. */
const CALL_PATIENCE_MS = 10_000;

/** A call on its way. */
type Pending = {
  readonly name: keyof Calls;
  readonly argument: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Nanoseconds since the epoch, when it was written to a supervisor; undefined = it waits for one. */
  sentAt: bigint | undefined;
};

/** Calls that must not be done twice: after a break the successor's books say what became of them. */
const once: ReadonlySet<keyof Calls> = new Set(["run", "exec"]);

/** Connects, starting the supervisor when none answers. Rejects with "unavailable" when none comes up. */
export async function connectSupervisor(options: ConnectOptions): Promise<SupervisorClient> {
  const { socketPath, logger } = options;
  const exitListeners = new Set<(exit: ProcessExit) => void>();
  const reconnectListeners = new Set<() => void>();
  const pending = new Map<number, Pending>();
  /** Calls that a break caught, or that were made while there was no supervisor. */
  const interrupted = new Set<Pending>();
  let socket: Socket | undefined;
  let serial = 0;
  let closed = false;

  const handle = (message: SupervisorMessage) => {
    if ("exit" in message) {
      for (const listener of exitListeners) listener(message.exit);
      return;
    }
    const call = pending.get(message.n);
    pending.delete(message.n);
    if ("error" in message) call?.reject(fromWireError(message.error));
    else call?.resolve(message.ok);
  };

  const onLost = () => {
    socket = undefined;
    for (const one of pending.values()) {
      if (closed) one.reject(errors.supervisorUnavailable("the connection was closed"));
      else interrupt(one);
    }
    pending.clear();
    if (!closed) void reconnect();
  };

  const interrupt = (one: Pending) => {
    interrupted.add(one);
    setTimeout(() => {
      if (interrupted.delete(one)) one.reject(errors.supervisorUnavailable("it is being restarted"));
    }, CALL_PATIENCE_MS).unref();
  };

  const send = (one: Pending) => {
    if (socket === undefined) {
      interrupt(one);
      return;
    }
    const n = ++serial;
    pending.set(n, one);
    // A little earlier, as the supervisor reads another clock.
    one.sentAt ??= BigInt(Date.now() - 1000) * 1_000_000n;
    socket.write(`${JSON.stringify({ n, call: one.name, argument: one.argument })}\n`);
  };

  /**
   * After a break: whatever can be done twice is asked again. A start that was under way either is in the successor's
   * books, and then it was carried out, or it came to nothing: then a container is started anew, an exec is given up.
   */
  const resume = async (): Promise<void> => {
    const calls = [...interrupted];
    interrupted.clear();
    const unsure = calls.filter((one) => once.has(one.name) && one.sentAt !== undefined);
    for (const one of calls) if (!unsure.includes(one)) send(one);
    if (unsure.length === 0) return;
    const known = new Map((await call("list", null)).map((status) => [status.id, status]));
    for (const one of unsure) {
      const status = known.get((one.argument as { readonly id: string }).id);
      if (status !== undefined && BigInt(status.startedAt) >= (one.sentAt ?? 0n)) {
        one.resolve({ pid: status.pid, startedAt: status.startedAt });
      } else if (one.name === "run") send(one);
      else one.reject(errors.supervisorUnavailable("it ended while the command was being started"));
    }
  };

  const open = async (): Promise<void> => {
    const opened = await openSocket(socketPath, { hello: { version: PROTOCOL_VERSION } });
    socket = opened;
    opened.on("error", (error) => logger.debug("supervisor connection", { error: error.message }));
    opened.on("close", onLost);
    opened.on("end", () => opened.destroy());
    readLines(opened, (line) => {
      handle(JSON.parse(line) as SupervisorMessage);
      return true;
    });
    opened.resume();
  };

  const openOrSpawn = async (): Promise<void> => {
    try {
      await open();
      return;
    } catch (error) {
      if (!isErrorKind(error, "unavailable") || error.code === "supervisorVersion") throw error;
    }
    logger.info("starting the supervisor", { socket: socketPath });
    await options.spawn();
    const deadline = performance.now() + START_PATIENCE_MS;
    let spawnAgain = performance.now() + SPAWN_AGAIN_MS;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      await delay(wait);
      try {
        await open();
        return;
      } catch (error) {
        if (!isErrorKind(error, "unavailable") || error.code === "supervisorVersion") throw error;
        if (performance.now() > deadline) {
          throw errors.supervisorUnavailable(`none came up for "${options.stateRoot}": ${error.message}`);
        }
        // The first may have met one that was about to end and held the lock still; one too many ends by itself.
        if (performance.now() > spawnAgain) {
          await options.spawn();
          spawnAgain = performance.now() + SPAWN_AGAIN_MS;
        }
      }
    }
  };

  const reconnect = async (): Promise<void> => {
    logger.warn("the supervisor is gone; running containers are not affected", { socket: socketPath });
    for (;;) {
      if (closed) return;
      try {
        await openOrSpawn();
        break;
      } catch (error) {
        logger.error("no supervisor", { error: errorMessage(error) });
        await delay(RETRY_MS);
      }
    }
    try {
      await resume();
    } catch (error) {
      logger.error("calls to the supervisor were lost", { error: errorMessage(error) });
    }
    for (const listener of reconnectListeners) listener();
  };

  const call = <Name extends keyof Calls>(
    name: Name,
    argument: Calls[Name]["argument"],
  ): Promise<Calls[Name]["result"]> =>
    new Promise((resolve, reject) => {
      if (closed) {
        reject(errors.supervisorUnavailable("the connection was closed"));
        return;
      }
      send({ name, argument, resolve: resolve as (value: unknown) => void, reject, sentAt: undefined });
    });
  const quiet = async (done: Promise<null>): Promise<void> => {
    await done;
  };

  await openOrSpawn();
  return {
    run: (request) => call("run", request),
    exec: (request) => call("exec", request),
    signal: (id, signal) => quiet(call("signal", { id, signal })),
    resize: (id, size) => quiet(call("resize", { id, ...size })),
    closeStdin: (id) => quiet(call("closeStdin", { id })),
    attach: async (request) => {
      // In line behind calls that wait for a supervisor to come back.
      if (socket === undefined) await call("list", null);
      const stream = await openSocket(socketPath, { attach: request });
      // A supervisor that is killed breaks it; whoever uses it hears "close" all the same.
      stream.on("error", (error) => logger.debug("attached stream", { id: request.id, error: error.message }));
      // It was paused behind the reply; a "data" listener is to start it, as it does on a fresh stream.
      const start = (name: string | symbol) => {
        if (name !== "data") return;
        stream.off("newListener", start);
        stream.resume();
      };
      stream.on("newListener", start);
      return stream;
    },
    list: () => call("list", null),
    forget: (id) => quiet(call("forget", { id })),
    onExit: (listener) => {
      exitListeners.add(listener);
      return () => void exitListeners.delete(listener);
    },
    onReconnect: (listener) => {
      reconnectListeners.add(listener);
      return () => void reconnectListeners.delete(listener);
    },
    close: () =>
      new Promise((resolve) => {
        closed = true;
        for (const one of interrupted) one.reject(errors.supervisorUnavailable("the connection was closed"));
        interrupted.clear();
        if (socket === undefined) {
          resolve();
          return;
        }
        socket.once("close", () => resolve());
        socket.end();
        socket.destroy();
      }),
  };
}
