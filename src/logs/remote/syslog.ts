import { existsSync } from "node:fs";
import { hostname } from "node:os";
import type { Nanoseconds } from "#base";
import { logTag } from "../options/attributes.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import type { SyslogFormat, SyslogOptions } from "../options/syslog-options.ts";
import { openUdp, openUnixDatagram } from "./datagram-connection.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";
import { openStream } from "./stream-connection.ts";

/** Severities of RFC 5424, 6.2.1. */
const severityError = 3;
const severityInfo = 6;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (value: number) => String(value).padStart(2, "0");

/** Local time as RFC 3164 has it: `Jan _2 15:04:05`. */
function stamp(date: Date): string {
  const day = String(date.getDate()).padStart(2, " ");
  return `${months[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** RFC 3339 in UTC, to the second or the microsecond. */
function timestamp(time: Nanoseconds, precise: boolean): string {
  const seconds = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19);
  return precise ? `${seconds}.${String((time / 1000n) % 1_000_000n).padStart(6, "0")}Z` : `${seconds}Z`;
}

/** One message as `syslog-format` says, with its final newline (github.com/RackSec/srslog, formatter.go). */
export function formatSyslog(
  format: SyslogFormat,
  message: {
    readonly priority: number;
    readonly time: Nanoseconds;
    readonly hostname: string;
    readonly tag: string;
    readonly text: string;
  },
): string {
  const { priority, time, tag, text } = message;
  const { pid } = process;
  switch (format) {
    case "unix":
      return `<${priority}>${stamp(new Date(Number(time / 1_000_000n)))} ${tag}[${pid}]: ${text}\n`;
    case "rfc3164":
      return `<${priority}>${stamp(new Date(Number(time / 1_000_000n)))} ${message.hostname} ${tag}[${pid}]: ${text}\n`;
    case "rfc5424":
    case "rfc5424micro": {
      const when = timestamp(time, format === "rfc5424micro");
      return `<${priority}>1 ${when} ${message.hostname} ${tag} ${pid} ${tag} - ${text}\n`;
    }
  }
}

type Transport = { send(message: string): Promise<void>; close(): void };

/** Where the local syslog listens, in the order of syslog(3)'s relatives. */
const localSockets = ["/dev/log", "/var/run/syslog", "/var/run/log"];

async function openTransport({ address, format, tls }: SyslogOptions): Promise<Transport> {
  const datagrams = (connection: { send(bytes: Uint8Array): Promise<void>; close(): void }): Transport => ({
    send: (message) => connection.send(Buffer.from(message)),
    close: () => connection.close(),
  });
  switch (address.transport) {
    case "local": {
      const path = localSockets.find((candidate) => existsSync(candidate));
      if (path === undefined) throw new Error("Unix syslog delivery error");
      try {
        return datagrams(openUnixDatagram(path));
      } catch {
        // EPROTOTYPE: it listens for streams.
        return streamTransport(await openStream({ transport: "unix", path }), (message) => message);
      }
    }
    case "unixgram":
      return datagrams(openUnixDatagram(address.path));
    case "unix":
      return streamTransport(await openStream({ transport: "unix", path: address.path }), (message) => message);
    case "udp":
      return datagrams(await openUdp(address.host, address.port));
    case "tcp":
      return streamTransport(await openStream({ ...address, transport: "tcp" }), (message) => message);
    case "tcp+tls": {
      const connection = await openStream({ ...address, transport: "tls", ...tls });
      // RFC 5425, 4.3: the length before each message; Docker does so for the formats of RFC 5424 only.
      const counts = format === "rfc5424" || format === "rfc5424micro";
      return streamTransport(connection, (message) => (counts ? `${Buffer.byteLength(message)} ${message}` : message));
    }
  }
}

function streamTransport(
  connection: { write(bytes: Uint8Array): Promise<void>; close(): void },
  frame: (message: string) => string,
): Transport {
  return {
    send: (message) => connection.write(Buffer.from(frame(message))),
    close: () => connection.close(),
  };
}

/** Connects to a syslog daemon. */
export async function connectSyslog(remote: RemoteLog, options: SyslogOptions): Promise<LogSender> {
  const tag = logTag(remote.container, remote.options);
  const host = hostname();
  const toMessage = createMessages();
  const transport = await openTransport(options);
  return {
    send: async (records) => {
      for (const record of records) {
        const severity = record.stream === "stderr" ? severityError : severityInfo;
        const { text } = toMessage(record);
        const message = { priority: options.facility * 8 + severity, time: record.time, hostname: host, tag, text };
        await transport.send(formatSyslog(options.format, message));
      }
    },
    close: () => transport.close(),
  };
}
