import { chmodSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { descriptionPresent, readDescription } from "./description.ts";
import { createMessageReader, type HttpMessage } from "./http-messages.ts";
import { createResponseChecks } from "./response-checks.ts";

/** A socket in front of a daemon's, on which every answer is held against the description of the API. */
export type WatchedSocket = {
  readonly path: string;
  /** How many answers were checked. */
  checked(): number;
  /** What was wrong with them, each thing once. */
  problems(): readonly string[];
  close(): void;
};

let checks: ((request: string, response: HttpMessage) => string[]) | undefined;

/** True where the description is; says so, once, where it is not. */
export function canWatch(): boolean {
  if (!descriptionPresent && !said) {
    said = true;
    console.log(
      "answers are not checked against the API description: ../shared/reference/docker-engine-api.yaml is not there",
    );
  }
  return descriptionPresent;
}
let said = false;

/** Opens `path` and passes everything on to `target`, unchanged, both ways, half-closed ends included. */
export async function watchSocket(path: string, target: string): Promise<WatchedSocket> {
  checks ??= createResponseChecks(readDescription());
  const hold = checks;
  const found = new Set<string>();
  const open = new Set<Socket>();
  let count = 0;

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const daemon = connect({ path: target, allowHalfOpen: true });
    for (const socket of [client, daemon]) {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
    }
    const asked: string[] = [];
    const requests = createMessageReader({ kind: "request", onHead: (line) => asked.push(line) });
    const responses = createMessageReader({
      kind: "response",
      bodiless: () => asked[0]?.startsWith("HEAD ") === true,
      onMessage: (response) => {
        const request = asked.shift();
        if (request === undefined) return;
        count += 1;
        for (const problem of hold(request, response)) found.add(problem);
      },
    });
    client.on("data", (chunk: Buffer) => requests.push(chunk));
    daemon.on("data", (chunk: Buffer) => responses.push(chunk));
    join(client, daemon);
    join(daemon, client);
    daemon.once("close", () => responses.end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return {
    path,
    checked: () => count,
    problems: () => [...found].sort(),
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

function join(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => to.destroy());
  // Bun lets go of the descriptor when the peer has gone altogether, and tells no more than an end.
  from.once("end", () =>
    setImmediate(() => {
      if ((from as unknown as { readonly _handle: unknown })._handle === null) to.destroy();
    }),
  );
  from.once("close", () => {
    // An end that was passed on closes the other side in its own time; a connection that was cut is cut here too.
    if (!from.readableEnded) to.destroy();
  });
}
