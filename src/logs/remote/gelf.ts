import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { deflateSync, gzipSync } from "node:zlib";
import { formatRfc3339Nano } from "#base";
import type { LogRecord } from "../contract.ts";
import { extraAttributes, logTag } from "../options/attributes.ts";
import type { GelfOptions } from "../options/gelf-options.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import { openUdp } from "./datagram-connection.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";
import { openStream } from "./stream-connection.ts";

const severityError = 3;
const severityInfo = 6;

/** A datagram's most, and of it what the header of a chunk takes (GELF specification, "Chunking"). */
const chunkBytes = 1420;
const chunkHeaderBytes = 12;
const mostChunks = 128;

/** Cuts a message into the datagrams it needs; undefined when 128 chunks are too few. */
export function gelfChunks(message: Uint8Array): Uint8Array[] | undefined {
  if (message.length <= chunkBytes) return [message];
  const room = chunkBytes - chunkHeaderBytes;
  const count = Math.ceil(message.length / room);
  if (count > mostChunks) return undefined;
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      message.subarray(index * room, (index + 1) * room),
    ]),
  );
}

function compress(bytes: Buffer, { compression, compressionLevel }: GelfOptions): Uint8Array {
  if (compression === "none") return bytes;
  return compression === "gzip"
    ? gzipSync(bytes, { level: compressionLevel })
    : deflateSync(bytes, { level: compressionLevel });
}

/** Connects to a GELF input. */
export async function connectGelf(remote: RemoteLog, options: GelfOptions): Promise<LogSender> {
  const { container } = remote;
  const host = hostname();
  const toMessage = createMessages();
  const extra = {
    _command: container.command.join(" "),
    _container_id: container.id,
    _container_name: container.name,
    _created: formatRfc3339Nano(container.created),
    _image_id: container.imageId,
    _image_name: container.imageName,
    _tag: logTag(container, remote.options),
    ...extraAttributes(container, remote.options, (key) => (key.startsWith("_") ? key : `_${key}`)),
  };
  const encode = (record: LogRecord): Buffer =>
    Buffer.from(
      JSON.stringify({
        version: "1.1",
        host,
        short_message: toMessage(record).text,
        timestamp: Number(record.time / 1_000_000n) / 1000,
        level: record.stream === "stderr" ? severityError : severityInfo,
        ...extra,
      }),
    );
  // An empty short_message is an error to Graylog: Docker leaves such lines out.
  const isEmpty = ({ line }: LogRecord) => line.length === 0 || (line.length === 1 && line[0] === 10);

  if (options.transport === "tcp") {
    const connection = await openStream({ transport: "tcp", host: options.host, port: options.port });
    return {
      send: async (records) => {
        for (const record of records) {
          if (!isEmpty(record)) await connection.write(Buffer.concat([encode(record), Buffer.from([0])]));
        }
      },
      close: () => connection.close(),
    };
  }
  const connection = await openUdp(options.host, options.port);
  return {
    send: async (records) => {
      for (const record of records) {
        if (isEmpty(record)) continue;
        for (const chunk of gelfChunks(compress(encode(record), options)) ?? []) await connection.send(chunk);
      }
    },
    close: () => connection.close(),
  };
}
