import { randomBytes } from "node:crypto";
import { decodeMulti, encode, ExtensionCodec, ExtData } from "@msgpack/msgpack";
import type { Nanoseconds } from "#base";
import type { LogRecord } from "../contract.ts";
import { extraAttributes, logTag } from "../options/attributes.ts";
import type { FluentdOptions } from "../options/fluentd-options.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";
import { openStream, type StreamConnection, type StreamTarget } from "./stream-connection.ts";

/** Times are the protocol's own extension; the library's timestamp is not wanted. */
const extensionCodec = new ExtensionCodec();

/** EventTime of the Forward protocol: seconds and nanoseconds, extension type 0. */
function eventTime(time: Nanoseconds): ExtData {
  const data = Buffer.alloc(8);
  data.writeUInt32BE(Number(time / 1_000_000_000n), 0);
  data.writeUInt32BE(Number(time % 1_000_000_000n), 4);
  return new ExtData(0, data);
}

function targetOf({ address }: FluentdOptions): StreamTarget {
  if (address.transport === "unix") return address;
  if (address.transport === "tcp") return { ...address, transport: "tcp" };
  return { ...address, transport: "tls", ca: "", cert: "", key: "", skipVerify: false };
}

/** Waits for `{"ack": chunk}`. */
async function awaitAck(connection: StreamConnection, chunk: string, timeoutMs: number): Promise<void> {
  let answer = Buffer.alloc(0);
  for (;;) {
    answer = Buffer.concat([answer, await connection.read(timeoutMs)]);
    try {
      for (const value of decodeMulti(answer)) {
        if ((value as { ack?: unknown } | null)?.ack === chunk) return;
      }
    } catch {
      // It has not come whole yet; more than an acknowledgement is nothing of ours.
    }
    if (answer.length > 64 * 1024) throw new Error("fluentd: the answer is no acknowledgement");
  }
}

/** Connects to fluentd or what speaks its Forward protocol, version 1, in message mode as Docker does. */
export async function connectFluentd(remote: RemoteLog, options: FluentdOptions): Promise<LogSender> {
  const { container } = remote;
  const tag = logTag(container, remote.options);
  const extra = extraAttributes(container, remote.options);
  const toMessage = createMessages();
  let connection = await openStream(targetOf(options));
  let openedAt = performance.now();

  const entry = (record: LogRecord): readonly unknown[] => {
    const { text, partial } = toMessage(record);
    const fields = {
      container_id: container.id,
      container_name: `/${container.name}`,
      source: record.stream,
      log: text,
      ...extra,
      ...(partial === undefined
        ? {}
        : {
            partial_message: "true",
            partial_id: partial.id,
            partial_ordinal: String(partial.ordinal),
            partial_last: String(partial.last),
          }),
    };
    const time = options.subSecondPrecision ? eventTime(record.time) : Number(record.time / 1_000_000_000n);
    return [tag, time, fields];
  };
  const isDue = () =>
    options.async && options.reconnectIntervalMs > 0 && performance.now() - openedAt > options.reconnectIntervalMs;

  return {
    send: async (records) => {
      if (isDue()) {
        connection.close();
        connection = await openStream(targetOf(options));
        openedAt = performance.now();
      }
      if (!options.requestAck) {
        const bytes = records.map((record) => encode([...entry(record), {}], { extensionCodec }));
        await connection.write(Buffer.concat(bytes), options.writeTimeoutMs);
        return;
      }
      for (const record of records) {
        const chunk = randomBytes(16).toString("base64");
        await connection.write(encode([...entry(record), { chunk }], { extensionCodec }), options.writeTimeoutMs);
        await awaitAck(connection, chunk, options.readTimeoutMs);
      }
    },
    close: () => connection.close(),
  };
}
