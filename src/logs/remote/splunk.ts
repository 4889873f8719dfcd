import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { gzipSync } from "node:zlib";
import { errorMessage } from "#base";
import type { LogRecord } from "../contract.ts";
import { extraAttributes, logTag } from "../options/attributes.ts";
import type { RemoteLog } from "../options/log-configuration.ts";
import type { SplunkOptions } from "../options/splunk-options.ts";
import { createMessages } from "./message.ts";
import type { LogSender } from "./sender.ts";

const requestTimeoutMs = 30_000;
/** Most of an answer that is read for a message. */
const answerCharacters = 1024;

function tlsOf({ caPath, caName, skipVerify }: SplunkOptions) {
  return {
    rejectUnauthorized: !skipVerify,
    ...(caPath === "" ? {} : { ca: readFileSync(caPath, "utf8") }),
    ...(caName === "" ? {} : { serverName: caName }),
  };
}

/** What a line is within its event: text, or with the json format the document it is. */
function lineOf(text: string, format: SplunkOptions["format"]): unknown {
  if (format !== "json") return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Speaks to Splunk's HTTP Event Collector (moby `daemon/logger/splunk`), whose every document is one event. */
export async function connectSplunk(remote: RemoteLog, options: SplunkOptions): Promise<LogSender> {
  const { container } = remote;
  // An empty tag is none.
  const tag = remote.options["tag"] === "" ? "" : logTag(container, remote.options);
  const attributes = extraAttributes(container, remote.options);
  const toMessage = createMessages();
  const tls = tlsOf(options);
  const headers = {
    Authorization: `Splunk ${options.token}`,
    ...(options.acknowledges ? { "X-Splunk-Request-Channel": randomUUID() } : {}),
  };
  const head = {
    host: hostname(),
    ...(options.source === "" ? {} : { source: options.source }),
    ...(options.sourceType === "" ? {} : { sourcetype: options.sourceType }),
    ...(options.index === "" ? {} : { index: options.index }),
  };
  const prefix = [tag, ...Object.entries(attributes).map(([key, value]) => `${key}=${value}`)]
    .filter((part) => part !== "")
    .map((part) => `${part} `)
    .join("");

  const eventOf = (record: LogRecord): string | undefined => {
    const { text } = toMessage(record);
    // Splunk refuses events of nothing but space.
    if (options.format === "raw" && text.trim() === "") return undefined;
    const event =
      options.format === "raw"
        ? `${prefix}${text}`
        : {
            line: lineOf(text, options.format),
            source: record.stream,
            ...(tag === "" ? {} : { tag }),
            ...(Object.keys(attributes).length === 0 ? {} : { attrs: attributes }),
          };
    const microseconds = String(record.time / 1000n).padStart(7, "0");
    const time = `${microseconds.slice(0, -6)}.${microseconds.slice(-6)}`;
    return JSON.stringify({ event, time, ...head });
  };

  const ask = async (method: "OPTIONS" | "POST", failure: string, body?: string): Promise<void> => {
    let response: Response;
    try {
      const { gzipLevel } = options;
      const isCompressed = body !== undefined && gzipLevel !== undefined;
      response = await fetch(options.url, {
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(isCompressed ? { "Content-Encoding": "gzip" } : {}),
        },
        ...(body === undefined ? {} : { body: isCompressed ? gzipSync(body, { level: gzipLevel }) : body }),
        redirect: "manual",
        signal: AbortSignal.timeout(requestTimeoutMs),
        tls,
      });
    } catch (error) {
      throw new Error(`splunk: ${failure}: ${errorMessage(error)}`, { cause: error });
    }
    const text = (await response.text()).slice(0, answerCharacters);
    if (response.status !== 200)
      throw new Error(`splunk: ${failure} - ${response.status} ${response.statusText} - ${text}`);
  };

  if (options.verifiesConnection) await ask("OPTIONS", "failed to verify connection");
  return {
    send: async (records) => {
      const events = records.flatMap((record) => eventOf(record) ?? []);
      if (events.length > 0) await ask("POST", "failed to send event", events.join(""));
    },
    close: () => {},
  };
}
