import { existsSync } from "node:fs";
import { formatRfc3339Nano } from "#base";
import type { LogRecord } from "../contract.ts";
import { extraAttributes, logTag } from "../options/attributes.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import { openUnixDatagram } from "./datagram-connection.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";

/** systemd-journald's socket for its native protocol. */
const journalSocket = "/run/systemd/journal/socket";

const priorityError = "3";
const priorityInfo = "6";

/** A field's name as the journal takes it: upper case, digits, underscores, no underscore first (moby, sanitizeKeyMod). */
export function journalFieldName(key: string): string {
  return key
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "_")
    .replace(/^_+/, "");
}

/** One entry of the journal's native protocol (systemd.io, JOURNAL_NATIVE_PROTOCOL): any bytes may be a value. */
export function journalEntry(fields: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "") continue;
    const bytes = Buffer.from(value);
    if (!bytes.includes(10)) {
      parts.push(Buffer.from(`${name}=`), bytes, Buffer.from("\n"));
      continue;
    }
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    parts.push(Buffer.from(`${name}\n`), length, bytes, Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

/** Connects to the host's journal. */
export function connectJournal(remote: RemoteLog, socketPath = journalSocket): LogSender {
  const { container } = remote;
  if (!existsSync(socketPath)) throw new Error("journald is not enabled on this host");
  const tag = logTag(container, remote.options);
  const constant = {
    CONTAINER_ID: container.id.slice(0, 12),
    CONTAINER_ID_FULL: container.id,
    CONTAINER_NAME: container.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: container.imageName,
    SYSLOG_IDENTIFIER: tag,
    ...extraAttributes(container, remote.options, journalFieldName),
  };
  const toMessage = createMessages();
  const connection = openUnixDatagram(socketPath);
  const entry = (record: LogRecord): Buffer => {
    const { text, partial } = toMessage(record);
    return journalEntry({
      MESSAGE: text,
      PRIORITY: record.stream === "stderr" ? priorityError : priorityInfo,
      ...constant,
      SYSLOG_TIMESTAMP: formatRfc3339Nano(record.time),
      ...(partial === undefined
        ? {}
        : {
            ...(partial.last ? {} : { CONTAINER_PARTIAL_MESSAGE: "true" }),
            CONTAINER_PARTIAL_ID: partial.id,
            CONTAINER_PARTIAL_ORDINAL: String(partial.ordinal),
            CONTAINER_PARTIAL_LAST: String(partial.last),
          }),
    });
  };
  return {
    send: async (records) => {
      for (const record of records) await connection.send(entry(record));
    },
    close: () => connection.close(),
  };
}
