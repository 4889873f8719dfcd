import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { routes } from "../../src/server/routes/table.ts";
import { differences, snapshot } from "../system/leak-oracle.ts";
import { targetIsDockerd, useDaemon } from "./daemon.ts";
import { requestBytes } from "./hostile/raw-client.ts";

const daemon = useDaemon();

/** What these would do is meant: make base images, prune what other tests may have, wait for ever. */
const left = /^\/(?:berth|build\/prune|[a-z]+\/prune|events)/;
const targets = routes.filter(({ path, method }) => !left.test(path) && method !== "OPTIONS");

const nasty = fc.oneof(
  fc.constantFrom(
    "..",
    "%2e%2e%2f%2e%2e",
    "%00",
    "%ff%fe",
    "%zz",
    "a%0d%0ab",
    "*",
    "[",
    "\\",
    "~",
    "-",
    ".",
    "sha256:",
    `sha256:${"0".repeat(64)}`,
    "a".repeat(5000),
    "0",
    "1",
    "00",
    "bridge",
    "fuzzed",
    "fuzzed-running",
    "busybox",
    "busybox@sha256:x",
    "UPPER:case",
    "::",
    "%20",
    "ü",
    "@",
    "a//b",
  ),
  fc.string({ maxLength: 40 }).map(encodeURIComponent),
);
const value = fc.oneof(
  nasty,
  fc.constantFrom(
    "-1",
    "1e999",
    "9".repeat(40),
    "NaN",
    "{}",
    "[]",
    "null",
    '{"a":',
    encodeURIComponent('{"label":{"x":1}}'),
    encodeURIComponent('{"nonsense":["x"]}'),
  ),
);
const body = fc.oneof(
  fc.constantFrom(
    "",
    "{",
    "null",
    "[]",
    "0",
    '"text"',
    "{}{}",
    '{"Image":{}}',
    '{"__proto__":{"x":1}}',
    "[".repeat(20_000),
    '{"HostConfig":[]}',
  ),
  fc.json({ maxDepth: 4 }),
  fc
    .record(
      {
        Image: fc.constantFrom("nothing-here", 5, null),
        Cmd: fc.anything(),
        HostConfig: fc.dictionary(
          fc.constantFrom("Memory", "Binds", "PortBindings", "Mounts", "Ulimits", "NanoCpus"),
          fc.anything(),
        ),
        Container: fc.anything(),
        Name: fc.anything(),
      },
      { requiredKeys: [] },
    )
    .map((record) => JSON.stringify(record, (_key, item: unknown) => (typeof item === "bigint" ? String(item) : item))),
);
const header = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  { "Content-Type": "text/plain" },
  { "Content-Type": "application/json; charset=utf-8" },
  { "X-Registry-Auth": "????" },
  { Upgrade: "h2c", Connection: "Upgrade" },
  { Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Key": "x" },
  { "Accept-Encoding": "gzip;q=nonsense,,," },
  { Expect: "100-continue" },
);

/** One request by hand, so that no client corrects it; the status of the answer, 0 when the connection was closed without. */
async function statusOf(request: string): Promise<number> {
  const socket = await daemon.connect();
  return new Promise((resolve) => {
    let text = "";
    const finish = () => {
      socket.destroy();
      resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0));
    };
    socket.setTimeout(10_000, finish);
    socket.on("error", finish);
    socket.on("end", finish);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (/^HTTP\/1\.1 \d{3} /.test(text)) finish();
    });
    socket.write(request);
  });
}

// What is not there yet in 20.10 would be tried there without need.
test.skipIf(targetIsDockerd)(
  "malformed paths, queries, bodies and headers are refused, and cost nothing",
  async () => {
    const before = await snapshot(daemon.engine);
    await daemon.ok("create", "--name", "fuzzed", "busybox");
    await daemon.ok("run", "-d", "--stop-timeout", "0", "--name", "fuzzed-running", "busybox", "sleep", "1000");
    const descriptors = async () => (await daemon.api("GET", "/info")).json<{ NFd: number }>().NFd;
    const open = await descriptors();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...targets),
        fc.constantFrom("", "/v1.24", "/v1.41", "/v1.50"),
        nasty,
        fc.array(value, { maxLength: 3 }),
        body,
        header,
        async (route, version, part, values, text, headers) => {
          const path = route.path.replaceAll(/\{[\w.]+\}/g, part === "" ? "x" : part);
          const names = Object.keys(route.query ?? {});
          const query = values
            .map((one, index) => `${names[index % Math.max(1, names.length)] ?? "q"}=${one}`)
            .join("&");
          const sent = route.method === "GET" || route.method === "HEAD" ? "" : text;
          const target = `${version}${path}${query === "" ? "" : `?${query}`}`.replaceAll(
            /[\s\u0080-\uffff]/g,
            "%C3%BC",
          );
          const status = await statusOf(requestBytes(route.method, target, { body: sent, headers }));
          // 501 and 503 are what the daemon says of what it does not have: swarm, plugins, checkpoints.
          // 500 is Docker's answer to unpause of what is not paused.
          const docker = route.path.endsWith("/unpause") && status === 500;
          if (status >= 500 && status !== 501 && status !== 503 && !docker)
            throw new Error(`${route.method} ${target} ${JSON.stringify(headers)} ${sent}: ${status}`);
        },
      ),
      { numRuns: 1500, seed: Number(process.env["FUZZ_SEED"] ?? 20_261_121) },
    );
    // Whatever they made that was well-formed goes.
    const ids = (await daemon.ok("ps", "-aq")).split("\n").filter(Boolean);
    if (ids.length > 0) await daemon.ok("rm", "-f", ...ids);
    for (const network of (await daemon.ok("network", "ls", "-q", "--filter", "type=custom"))
      .split("\n")
      .filter(Boolean))
      await daemon.ok("network", "rm", network);
    expect(await differences(before, daemon.engine)).toEqual([]);
    expect(await descriptors()).toBeLessThanOrEqual(open + 2);
  },
  60_000,
);
