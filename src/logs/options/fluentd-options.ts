import { parseGoDuration, parseRamBytes } from "#base";
import { errors } from "../errors.ts";
import { splitHostPort } from "./address.ts";
import { attributeOptions, booleanOption, type LogOptions, parseInteger, refuseUnknown } from "./values.ts";

/** Where fluentd listens. */
export type FluentdAddress =
  | { readonly transport: "tcp" | "tls"; readonly host: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** The options of the fluentd driver, checked. */
export type FluentdOptions = {
  readonly address: FluentdAddress;
  /** Do not wait for the first connection; drop when the buffer is full. */
  readonly async: boolean;
  /** Records that may wait for a connection. */
  readonly bufferRecords: number;
  readonly retryWaitMs: number;
  readonly maxRetries: number;
  readonly requestAck: boolean;
  readonly subSecondPrecision: boolean;
  /** 0 = no limit. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** Forces a new connection now and then, so that a balancer can move us; 0 = never. */
  readonly reconnectIntervalMs: number;
};

const known: ReadonlySet<string> = new Set([
  "fluentd-address",
  "fluentd-async",
  "fluentd-async-connect",
  "fluentd-async-reconnect-interval",
  "fluentd-buffer-limit",
  "fluentd-max-retries",
  "fluentd-read-timeout",
  "fluentd-request-ack",
  "fluentd-retry-wait",
  "fluentd-sub-second-precision",
  "fluentd-write-timeout",
  ...attributeOptions,
]);

const defaultPort = 24_224;

function parseAddress(text: string): FluentdAddress {
  if (text === "") return { transport: "tcp", host: "127.0.0.1", port: defaultPort };
  const fail = (reason: string) => errors.logOptionInvalid(`invalid fluentd-address (${text}): ${reason}`);
  const match = /^([a-z][a-z0-9+]*):\/\/(.*)$/i.exec(text);
  const scheme = (match?.[1] ?? "tcp").toLowerCase();
  const rest = match?.[2] ?? text;
  if (scheme === "unix") {
    if (rest.replace(/^\/+/, "") === "") throw fail("path is empty");
    return { transport: "unix", path: rest };
  }
  if (scheme !== "tcp" && scheme !== "tls") throw fail(`unsupported scheme: '${scheme}'`);
  if (rest.includes("/")) throw fail("should not contain a path element");
  const end = splitHostPort(rest, defaultPort);
  if (end === undefined) throw fail("invalid port");
  return { transport: scheme, ...end };
}

function durationMs(options: LogOptions, name: string, byDefaultMs: number): number {
  const text = options[name] ?? "";
  if (text === "") return byDefaultMs;
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined) {
    throw errors.logOptionInvalid(`invalid value for ${name}: time: invalid duration "${text}"`);
  }
  if (nanoseconds < 0) throw errors.logOptionInvalid(`invalid value for ${name}: value must be a positive duration`);
  return nanoseconds / 1e6;
}

/** Checks the options of the fluentd driver (moby `daemon/logger/fluentd`). */
export function parseFluentdOptions(options: LogOptions): FluentdOptions {
  refuseUnknown("fluentd", options, known);
  if (options["fluentd-async"] && options["fluentd-async-connect"]) {
    throw errors.logOptionInvalid(
      "conflicting options: cannot specify both 'fluentd-async' and 'fluentd-async-connect'",
    );
  }
  const limit = options["fluentd-buffer-limit"] ?? "";
  const bufferRecords = limit === "" ? 1024 * 1024 : parseRamBytes(limit);
  if (bufferRecords === undefined || bufferRecords <= 0) throw errors.logOptionInvalid(`invalid size: '${limit}'`);
  const retries = options["fluentd-max-retries"] ?? "";
  const maxRetries = retries === "" ? Number.MAX_SAFE_INTEGER : parseInteger(retries);
  if (maxRetries === undefined || maxRetries < 0) {
    throw errors.logOptionInvalid(`strconv.ParseUint: parsing "${retries}": invalid syntax`);
  }
  const reconnectIntervalMs = durationMs(options, "fluentd-async-reconnect-interval", 0);
  if (reconnectIntervalMs !== 0 && (reconnectIntervalMs < 100 || reconnectIntervalMs > 10_000)) {
    throw errors.logOptionInvalid(
      "invalid value for fluentd-async-reconnect-interval: value (" +
        `${options["fluentd-async-reconnect-interval"]}) must be between 100ms and 10s`,
    );
  }
  return {
    address: parseAddress(options["fluentd-address"] ?? ""),
    async: booleanOption(options, "fluentd-async") || booleanOption(options, "fluentd-async-connect"),
    bufferRecords,
    retryWaitMs: durationMs(options, "fluentd-retry-wait", 1000),
    maxRetries,
    requestAck: booleanOption(options, "fluentd-request-ack"),
    subSecondPrecision: booleanOption(options, "fluentd-sub-second-precision"),
    writeTimeoutMs: durationMs(options, "fluentd-write-timeout", 0),
    readTimeoutMs: durationMs(options, "fluentd-read-timeout", 0),
    reconnectIntervalMs,
  };
}
