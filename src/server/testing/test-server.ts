import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { createServer, type ApiServer } from "../server.ts";
import { createFakeBuilder, createFakeBuilds } from "./fake-builder.ts";
import { createFakeEngine, type FakeEngine } from "./fake-engine.ts";

export type Answer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
};

/** A server on a real unix socket over the fakes. */
export type TestServer = {
  readonly engine: FakeEngine;
  readonly builder: ReturnType<typeof createFakeBuilder>;
  readonly server: ApiServer;
  readonly path: string;
  call(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends bytes as they are; resolves with everything until the server closes or `until` is seen. */
  raw(bytes: string | Buffer, until?: RegExp): Promise<string>;
  connect(): net.Socket;
  close(): Promise<void>;
};

export async function startTestServer(): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), "berth-server-"));
  const path = join(directory, "api.sock");
  const engine = createFakeEngine();
  const builder = createFakeBuilder();
  const server = createServer({
    engine,
    builder,
    ...createFakeBuilds(builder),
    version: {
      version: "0.1.0",
      gitCommit: "abc",
      buildTime: "2026-01-01T00:00:00Z",
      toolchain: "bun",
      arch: "amd64",
      experimental: false,
      kernelVersion: "6.18",
    },
    logger: silentLogger,
    statsIntervalMs: 5,
  });
  await server.listen({ kind: "unix", path });
  const agent = new http.Agent({ keepAlive: true });
  const connect = () => net.connect({ path, allowHalfOpen: true });

  return {
    engine,
    builder,
    server,
    path,
    connect,
    call: (method, url, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const bytes = body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
        const request = http.request(
          {
            socketPath: path,
            method,
            path: url,
            agent,
            headers: {
              Host: "localhost",
              ...(bytes === undefined ? {} : { "Content-Type": "application/json", "Content-Length": bytes.length }),
              ...headers,
            },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on("data", (chunk: Buffer) => chunks.push(chunk));
            response.on("error", reject);
            response.on("end", () => {
              const text = Buffer.concat(chunks).toString();
              let json: unknown;
              try {
                json = JSON.parse(text);
              } catch {
                json = undefined;
              }
              resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
            });
          },
        );
        request.on("error", reject);
        request.end(bytes);
      }),
    raw: (bytes, until) =>
      new Promise((resolve, reject) => {
        const socket = connect();
        let text = "";
        socket.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1");
          if (until?.test(text) === true) {
            socket.destroy();
            resolve(text);
          }
        });
        socket.on("end", () => {
          socket.destroy();
          resolve(text);
        });
        socket.on("error", reject);
        socket.write(bytes);
      }),
    async close() {
      agent.destroy();
      await server.close(0);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
