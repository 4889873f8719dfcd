import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LogRecord } from "#engine";
import { fakeContainer } from "../testing/fake-container.ts";
import { startTestServer, type TestServer } from "../testing/test-server.ts";

let api: TestServer;
beforeAll(async () => {
  api = await startTestServer();
  const view = fakeContainer();
  api.engine.views.set(view.id, view);
});
afterAll(() => api.close());

/** Resolves when `count` has not changed for a while. */
async function settles(count: () => number): Promise<number> {
  for (let last = -1, same = 0; ;) {
    await Bun.sleep(10);
    if (count() !== last || count() === 0) same = 0;
    else if (++same === 10) return count();
    last = count();
  }
}

describe("a client that does not read", () => {
  test.each([
    ["GET /containers/web/export", "export"],
    ["GET /containers/web/logs?stdout=1&follow=1", "logs"],
  ])("%s: the source stops, and is closed when the client goes", async (line, kind) => {
    let produced = 0;
    const closed = Promise.withResolvers<void>();
    async function* endless<T>(item: T, bytes: number): AsyncGenerator<T> {
      try {
        for (;;) {
          produced += bytes;
          yield item;
          if (produced % (bytes * 64) === 0) await Bun.sleep(0);
        }
      } finally {
        closed.resolve();
      }
    }
    const record: LogRecord = { time: 0n, stream: "stdout", line: Buffer.alloc(4096, "x") };
    Object.assign(api.engine.archives, { export: async () => endless(Buffer.alloc(65_536), 65_536) });
    Object.assign(api.engine.containers, {
      logs: async () => ({ terminal: false, records: endless(record, 4096) }),
    });
    const socket = api.connect();
    socket.pause();
    socket.write(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(await settles(() => produced)).toBeLessThan(8 * 1024 * 1024);
    expect(kind).toBeString();
    socket.destroy();
    await closed.promise;
  });
});
