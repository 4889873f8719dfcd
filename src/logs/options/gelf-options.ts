import { errors } from "../errors.ts";
import { splitHostPort, splitScheme } from "./address.ts";
import { attributeOptions, type LogOptions, parseInteger, refuseUnknown } from "./values.ts";

/** The options of the gelf driver, checked. */
export type GelfOptions = {
  readonly transport: "udp" | "tcp";
  readonly host: string;
  readonly port: number;
  /** Of UDP only. */
  readonly compression: "gzip" | "zlib" | "none";
  /** zlib's, -1 to 9. */
  readonly compressionLevel: number;
  /** Of TCP only: tries before a message is given up, and seconds between them. */
  readonly maxReconnects: number;
  readonly reconnectDelaySeconds: number;
};

const known: ReadonlySet<string> = new Set([
  "gelf-address",
  "gelf-compression-type",
  "gelf-compression-level",
  "gelf-tcp-max-reconnect",
  "gelf-tcp-reconnect-delay",
  ...attributeOptions,
]);

/** Checks the options of the gelf driver (moby `daemon/logger/gelf`). */
export function parseGelfOptions(options: LogOptions): GelfOptions {
  refuseUnknown("gelf", options, known);
  const address = options["gelf-address"] ?? "";
  if (address === "") throw errors.logOptionInvalid("gelf-address is a required parameter");
  const { scheme, rest } = splitScheme("gelf-address", address);
  if (scheme !== "udp" && scheme !== "tcp") throw errors.logOptionInvalid("gelf: endpoint needs to be TCP or UDP");
  const end = splitHostPort(rest.replace(/\/$/, ""), undefined);
  if (end === undefined) throw errors.logOptionInvalid("gelf: please provide gelf-address as proto://host:port");
  const unknown = (option: string) =>
    errors.logOptionInvalid(`unknown value "${options[option]}" for log opt "${option}" for gelf log driver`);
  const forUdp = (option: string): string | undefined => {
    if (options[option] !== undefined && scheme !== "udp") {
      throw errors.logOptionInvalid("compression is only supported on UDP");
    }
    return options[option];
  };
  const forTcp = (option: string, byDefault: number): number => {
    const text = options[option];
    if (text === undefined) return byDefault;
    if (scheme !== "tcp") throw errors.logOptionInvalid(`"${option}" is only valid for TCP`);
    const value = parseInteger(text);
    if (value === undefined || value < 0) throw errors.logOptionInvalid(`"${option}" must be a positive integer`);
    return value;
  };
  const compression = forUdp("gelf-compression-type") ?? "gzip";
  if (compression !== "gzip" && compression !== "zlib" && compression !== "none") {
    throw unknown("gelf-compression-type");
  }
  const compressionLevel = parseInteger(forUdp("gelf-compression-level") ?? "1");
  if (compressionLevel === undefined || compressionLevel < -1 || compressionLevel > 9) {
    throw unknown("gelf-compression-level");
  }
  return {
    transport: scheme,
    ...end,
    compression,
    compressionLevel,
    maxReconnects: forTcp("gelf-tcp-max-reconnect", 3),
    reconnectDelaySeconds: forTcp("gelf-tcp-reconnect-delay", 1),
  };
}
