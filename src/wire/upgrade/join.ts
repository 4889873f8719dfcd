import type { Duplex } from "node:stream";

/** How two streams are joined. */
export type JoinOptions = {
  /** Bytes the client sent together with its request's head. */
  readonly head: Buffer;
  /** Pass the client's bytes to the process; otherwise they are read and dropped. */
  readonly stdin: boolean;
  /** Looks at the client's bytes: what to pass on, and whether to detach after it. */
  readonly inspect?: ((chunk: Buffer) => { readonly pass: Uint8Array; readonly detach: boolean }) | undefined;
  /** The client's connection is closed only after this has settled. */
  readonly settled: Promise<void>;
};

/**
 * Connects a hijacked client with a process's streams until both are done: each direction at its reader's pace;
 * the client's half-close ends stdin only; the end of output closes the client; a lost client detaches.
 * @returns how it ended.
 */
export function joinStreams(
  client: Duplex,
  process: Duplex,
  options: JoinOptions,
): Promise<"ended" | "detached" | "lost"> {
  return new Promise((resolve) => {
    let outcome: "ended" | "detached" | "lost" | undefined;
    const finish = (how: "ended" | "detached" | "lost") => {
      if (outcome !== undefined) return;
      outcome = how;
      process.destroy();
      if (how === "lost") client.destroy();
      else client.end();
      resolve(how);
    };

    if (client.destroyed) {
      finish("lost");
      return;
    }
    const fromClient = (chunk: Buffer) => {
      if (!options.stdin || outcome !== undefined) return;
      const looked = options.inspect?.(chunk);
      const pass = looked?.pass ?? chunk;
      if (pass.length > 0 && process.writable && !process.write(pass)) client.pause();
      if (looked?.detach === true) finish("detached");
    };
    process.on("drain", () => client.resume());
    client.on("data", fromClient);
    const clientEnded = () => {
      if (options.stdin && process.writable) process.end();
    };
    client.on("end", clientEnded);
    client.on("error", () => finish("lost"));
    client.on("close", () => finish("lost"));

    process.on("data", (chunk: Buffer) => {
      if (!client.write(chunk)) process.pause();
    });
    client.on("drain", () => process.resume());
    const ended = () => {
      void options.settled.catch(() => {}).then(() => finish("ended"));
    };
    process.on("end", ended);
    // A stream that breaks instead of ending (the supervisor went away) closes the client as well.
    process.on("error", ended);
    process.on("close", ended);
    // It may have broken before anybody listened.
    if (process.destroyed || process.readableEnded) ended();
    if (options.head.length > 0) fromClient(options.head);
    // A socket may have told its end while nobody listened, even when paused.
    if (client.readableEnded) clientEnded();
    client.resume();
  });
}
