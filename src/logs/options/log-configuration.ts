import { parseRamBytes } from "#base";
import { errors } from "../errors.ts";
import type { LoggedContainer } from "./attributes.ts";
import { extraAttributes, logTag } from "./attributes.ts";
import { type AwslogsOptions, parseAwslogsOptions } from "./awslogs-options.ts";
import { cacheOptions, cacheSettings, jsonFileSettings, localSettings, type LogFileSettings } from "./file-options.ts";
import { type FluentdOptions, parseFluentdOptions } from "./fluentd-options.ts";
import { type GcplogsOptions, parseGcplogsOptions } from "./gcplogs-options.ts";
import { type GelfOptions, parseGelfOptions } from "./gelf-options.ts";
import { parseSplunkOptions, type SplunkOptions } from "./splunk-options.ts";
import { parseSyslogOptions, type SyslogOptions } from "./syslog-options.ts";
import { attributeOptions, type LogOptions, refuseUnknown } from "./values.ts";

/** What becomes of records that are written faster than a remote driver takes them. */
export type LogDelivery = {
  /** `mode=non-blocking`: records are dropped rather than kept waiting. */
  readonly dropsWhenFull: boolean;
  /** How much may wait in memory. */
  readonly bufferBytes: number;
};

/** A driver that sends a log elsewhere, with its own options. */
export type RemoteLog = {
  readonly delivery: LogDelivery;
  readonly container: LoggedContainer;
  /** All options, for tags and attributes. */
  readonly options: LogOptions;
  readonly destination:
    | { readonly driver: "awslogs"; readonly awslogs: AwslogsOptions }
    | { readonly driver: "gcplogs"; readonly gcplogs: GcplogsOptions }
    | { readonly driver: "splunk"; readonly splunk: SplunkOptions }
    | { readonly driver: "journald" }
    | { readonly driver: "syslog"; readonly syslog: SyslogOptions }
    | { readonly driver: "fluentd"; readonly fluentd: FluentdOptions }
    | { readonly driver: "gelf"; readonly gelf: GelfOptions };
};

/** A container's log, all options checked. */
export type LogConfiguration = {
  /** Where output is written on this host; undefined with `none`. */
  readonly file: LogFileSettings | undefined;
  /** `logs` can show it. */
  readonly readable: boolean;
  readonly remote: RemoteLog | undefined;
};

/** Names of all drivers, as `info` lists them. */
export const logDrivers: readonly string[] = [
  "awslogs",
  "fluentd",
  "gcplogs",
  "gelf",
  "journald",
  "json-file",
  "local",
  "splunk",
  "syslog",
];

/** True when a driver of this name exists. */
function isLogDriver(name: string): boolean {
  return name === "none" || logDrivers.includes(name);
}

/** True when a driver sends logs elsewhere, so that they are forwarded from the file of this host. */
export function isRemoteLogDriver(name: string): boolean {
  return logDrivers.includes(name) && name !== "json-file" && name !== "local";
}

/** Docker's default for `max-buffer-size`. */
const defaultBufferBytes = 1024 * 1024;

function parseDelivery(options: LogOptions): LogDelivery {
  const mode = options["mode"] ?? "";
  if (!["", "blocking", "non-blocking"].includes(mode)) {
    throw errors.logOptionInvalid(`logger: logging mode not supported: ${mode}`);
  }
  const size = options["max-buffer-size"];
  if (size === undefined) return { dropsWhenFull: mode === "non-blocking", bufferBytes: defaultBufferBytes };
  if (mode !== "non-blocking") {
    throw errors.logOptionInvalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  }
  const bufferBytes = parseRamBytes(size);
  if (bufferBytes === undefined) {
    throw errors.logOptionInvalid(`error parsing option max-buffer-size: invalid size: '${size}'`);
  }
  return { dropsWhenFull: true, bufferBytes: bufferBytes > 0 ? bufferBytes : defaultBufferBytes };
}

function without(options: LogOptions, isLeftOut: (name: string) => boolean): LogOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !isLeftOut(name)));
}

function destinationOf(driver: string, options: LogOptions): RemoteLog["destination"] {
  switch (driver) {
    case "journald":
      refuseUnknown("journald", options, new Set(attributeOptions));
      return { driver };
    case "syslog":
      return { driver, syslog: parseSyslogOptions(options) };
    case "fluentd":
      return { driver, fluentd: parseFluentdOptions(options) };
    case "awslogs":
      return { driver, awslogs: parseAwslogsOptions(options) };
    case "gcplogs":
      return { driver, gcplogs: parseGcplogsOptions(options) };
    case "splunk":
      return { driver, splunk: parseSplunkOptions(options) };
    case "gelf":
      return { driver, gelf: parseGelfOptions(options) };
    default:
      throw errors.logDriverUnknown(driver);
  }
}

/**
 * Checks `--log-driver` and `--log-opt` of a container (moby `daemon/logger/factory.go`, ValidateLogOpts, and each
 * driver's own validator) and says what is to be done. Throws invalid in Docker's words.
 */
export function logConfiguration(driver: string, options: LogOptions, container: LoggedContainer): LogConfiguration {
  if (driver === "none") return { file: undefined, readable: false, remote: undefined };
  const delivery = parseDelivery(options);
  if (!isLogDriver(driver)) throw errors.logDriverUnknown(driver);
  const own = without(options, (name) => name === "mode" || name === "max-buffer-size");
  const isLocal = driver === "json-file" || driver === "local";
  if (isLocal) {
    // The cache's options may come from the daemon's defaults for other drivers.
    const settings = without(own, (name) => cacheOptions.has(name));
    const file = driver === "local" ? localSettings(container, settings) : jsonFileSettings(container, settings);
    return { file, readable: true, remote: undefined };
  }
  const cache = cacheSettings(own);
  const driverOptions = without(own, (name) => cacheOptions.has(name));
  const destination = destinationOf(driver, driverOptions);
  // A tag or an expression that is wrong is known now.
  logTag(container, driverOptions);
  extraAttributes(container, driverOptions);
  return {
    file: cache.file,
    readable: cache.readable,
    remote: { delivery, container, options: driverOptions, destination },
  };
}

/** The container that defaults of the daemon are tried on. */
const nobody: LoggedContainer = {
  id: "0".repeat(64),
  name: "any",
  imageId: "",
  imageName: "",
  command: [],
  created: 0n,
  labels: {},
  environment: [],
};

/** Checks a daemon's default driver and options, before any container has them. Throws as `logConfiguration`. */
export function checkLogDefaults(driver: string, options: LogOptions): void {
  logConfiguration(driver, options, nobody);
}
