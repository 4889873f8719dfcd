import { chmodSync, chownSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import type { AgentProvider } from "../contract.ts";

/** A socket that stands for somebody's ssh agent while a step runs. */
export async function serveAgent(
  agents: AgentProvider,
  id: string,
  socket: { readonly path: string; readonly mode: number; readonly uid: number; readonly gid: number },
  signal: AbortSignal,
): Promise<{ close(): void }> {
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.once("close", () => clients.delete(client));
    client.once("error", () => client.destroy());
    agents.connect(id, signal).then(
      (agent) => {
        agent.once("error", () => client.destroy());
        agent.once("close", () => client.end());
        client.once("close", () => agent.destroy());
        client.pipe(agent).pipe(client);
      },
      () => client.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket.path, resolve);
  });
  chownSync(socket.path, socket.uid, socket.gid);
  chmodSync(socket.path, socket.mode);
  return {
    close: () => {
      server.close();
      for (const client of clients) client.destroy();
      rmSync(socket.path, { force: true });
    },
  };
}
