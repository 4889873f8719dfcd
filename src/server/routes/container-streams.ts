import type { Duplex } from "node:stream";
import { delay, formatRfc3339Fixed } from "#base";
import { createDetachWatcher, defaultDetachKeys, joinStreams, parseDetachKeys } from "#wire";
import type { Attachment, ContainerView, EventService, LogRecord } from "#engine";
import { statsDocument } from "../documents/stats.ts";
import { serverErrors } from "../errors.ts";
import { readRawBody } from "../http/raw-body.ts";
import { hijackRoute, type HijackCall, jsonReply, route, type Route } from "../http/route.ts";
import { flag, text, time } from "../http/query.ts";
import { coalesced, drained, isGone, openStream } from "../http/stream-reply.ts";
import { logLine } from "./log-line.ts";
import { nextStats, statsRecords } from "./stats-records.ts";

const multiplexed = "application/vnd.docker.multiplexed-stream";
const raw = "application/vnd.docker.raw-stream";

/** The head that ends HTTP on a hijacked connection. */
function hijackHead(upgraded: boolean, terminal: boolean, version: number): string {
  if (!upgraded) return `HTTP/1.1 200 OK\r\nContent-Type: ${raw}\r\n\r\n`;
  const type = version >= 42 && !terminal ? multiplexed : raw;
  return `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`;
}

/** The detach keys a call asked for; undefined when its process has no terminal, where no key is special. */
export function detachInspector(
  keys: string | undefined,
  terminal: boolean,
): ReturnType<typeof createDetachWatcher> | undefined {
  const parsed = keys === undefined ? defaultDetachKeys : parseDetachKeys(keys);
  if (parsed === undefined) throw serverErrors["invalid-detach-keys"](keys ?? "");
  return terminal ? createDetachWatcher(parsed) : undefined;
}

/**
 * Between the head and the first output: docker-py reads the head through a buffer that it then drops, with all that
 * came in the same packet. Docker's own slowness hides that; here it has to be waited for.
 */
const HEAD_ALONE_MS = 3;

/** Ends HTTP on the connection; output may follow once this resolves. */
export async function sendHijackHead(
  call: Pick<HijackCall<unknown>, "socket" | "upgraded" | "version">,
  terminal: boolean,
): Promise<void> {
  call.socket.on("error", () => call.socket.destroy());
  call.socket.write(hijackHead(call.upgraded, terminal, call.version));
  await delay(HEAD_ALONE_MS);
}

/** What follows the body of a call that has one it does not need: dockerode sends its options once more, as JSON. */
async function withoutBody({ head, request, socket }: HijackCall<unknown>): Promise<Buffer> {
  const { "content-length": length } = request.headers;
  if (length === undefined || length === "0") return head;
  return (await readRawBody(socket, head, { "content-length": length })).rest;
}

/** Carries a process's streams on a connection that was taken over, until either side is done. */
export async function serveAttachment(
  socket: Duplex,
  attachment: Attachment,
  options: {
    readonly head: Buffer;
    readonly stdin: boolean;
    readonly detachKeys: string | undefined;
    readonly onDetach: () => void;
  },
): Promise<void> {
  const how = await joinStreams(socket, attachment.stream, {
    head: options.head,
    stdin: options.stdin,
    inspect: detachInspector(options.detachKeys, attachment.terminal),
    settled: attachment.settled,
  });
  if (how === "detached") options.onDetach();
}

/** Sends what the log holds so far at the client's pace; stops when the client leaves. */
export async function writeReplay(
  client: Duplex,
  { replay }: Pick<Attachment, "replay">,
  lineOf: (record: LogRecord) => Uint8Array | string,
): Promise<void> {
  for await (const record of replay ?? []) {
    // One that has gone says neither "drain" nor, again, "close".
    if (client.destroyed) return;
    if (!client.write(lineOf(record))) await writableAgain(client);
  }
}

function writableAgain(client: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      client.off("drain", done);
      client.off("close", done);
      resolve();
    };
    client.once("drain", done);
    client.once("close", done);
    if (client.destroyed) done();
  });
}

/** What every container event carries: labels, image, name. */
export function containerActor(container: ContainerView): Parameters<EventService["emit"]>[0]["actor"] {
  return {
    id: container.id,
    attributes: { ...container.config.Labels, image: container.imageName, name: container.name },
  };
}

/** Containers as streams: attach, logs, stats. */
export const containerStreamRoutes: readonly Route[] = [
  hijackRoute({
    method: "POST",
    path: "/containers/{id}/attach",
    query: {
      detachKeys: text(),
      logs: flag(),
      stream: flag(),
      stdin: flag(),
      stdout: flag(),
      stderr: flag(),
    },
    async handle(call) {
      const { parts, params, query } = call;
      const { engine } = parts;
      const container = engine.containers.get(params["id"] ?? "");
      const head = await withoutBody(call);
      // Before the engine is asked: a bad key must not leave an attached stream behind.
      detachInspector(query.detachKeys, container.config.Tty === true);
      const stdin = query.stdin && query.stream;
      const attachment = await engine.containers.attach(container.id, {
        stdin,
        stdout: query.stdout,
        stderr: query.stderr,
        stream: query.stream,
        logs: query.logs,
      });
      await sendHijackHead(call, attachment.terminal);
      await writeReplay(call.socket, attachment, (record) => logLine(record, "", attachment.terminal));
      await serveAttachment(call.socket, attachment, {
        head,
        stdin,
        detachKeys: query.detachKeys,
        onDetach: () => engine.events.emit({ type: "container", action: "detach", actor: containerActor(container) }),
      });
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/logs",
    query: {
      follow: flag(),
      stdout: flag(),
      stderr: flag(),
      since: time(),
      until: time(),
      timestamps: flag(),
      details: flag(),
      tail: text(),
    },
    async handle({ parts: { engine }, params: { id = "" }, query, version, response, signal }) {
      if (!query.stdout && !query.stderr) throw serverErrors["no-log-stream"]();
      const { terminal, records } = await engine.containers.logs(id, {
        stdout: query.stdout,
        stderr: query.stderr,
        since: query.since === 0n ? undefined : query.since,
        until: query.until === 0n ? undefined : query.until,
        tail: tailCount(query.tail),
        follow: query.follow,
        signal,
      });
      openStream(response, version >= 42 && !terminal ? multiplexed : raw);
      const out = coalesced(response);
      const prefix = (record: LogRecord) =>
        (query.timestamps ? `${formatRfc3339Fixed(record.time)} ` : "") + (query.details ? details(record) : "");
      for await (const record of records) {
        if (isGone(response)) break;
        const slow = out.write(logLine(record, prefix(record), terminal));
        if (slow !== undefined) await slow;
      }
      out.flush();
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/stats",
    query: { stream: flag(true), "one-shot": flag() },
    async handle({ parts, params: { id = "" }, query, version, response, signal }) {
      const oneShot = query["one-shot"] && version >= 41;
      if (query.stream && oneShot) throw serverErrors["one-shot-stream"]();
      // By id from now on: a rename must not end the stream.
      const container = parts.engine.containers.get(id);
      if (!query.stream) {
        const first = await parts.engine.containers.stats(container.id);
        if (oneShot || first.cgroup === undefined) return jsonReply(statsDocument(first, undefined));
        const second = await nextStats(parts, container.id, signal);
        return second === undefined ? undefined : jsonReply(statsDocument(second, first));
      }
      openStream(response, "application/json");
      for await (const document of statsRecords(parts, container.id, signal)) {
        if (isGone(response)) break;
        if (!response.write(`${JSON.stringify(document)}\n`)) await drained(response);
      }
      if (!isGone(response)) response.end();
      return undefined;
    },
  }),
];

/** A number of lines; everything that is no number, and negative ones, mean all. */
function tailCount(tail: string | undefined): number | undefined {
  if (tail === undefined || !/^\d{1,15}$/.test(tail)) return undefined;
  return Number(tail);
}

/** Sorted, URL-escaped pairs and a space. */
function details({ attributes }: LogRecord): string {
  const pairs = Object.entries(attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const escape = (part: string) => encodeURIComponent(part).replaceAll("%20", "+");
  return `${pairs.map(([key, value]) => `${escape(key)}=${escape(value)}`).join(",")} `;
}
