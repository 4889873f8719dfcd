import { existsSync } from "node:fs";
import { errors } from "../errors.ts";
import { splitHostPort, splitScheme } from "./address.ts";
import { attributeOptions, type LogOptions, parseInteger, refuseUnknown } from "./values.ts";

/** Where syslog messages go. */
export type SyslogAddress =
  | { readonly transport: "local" }
  | { readonly transport: "unix" | "unixgram"; readonly path: string }
  | { readonly transport: "udp" | "tcp" | "tcp+tls"; readonly host: string; readonly port: number };

/** `syslog-format`; "unix" is what is used when none is given. */
export type SyslogFormat = "unix" | "rfc3164" | "rfc5424" | "rfc5424micro";

/** The options of the syslog driver, checked. */
export type SyslogOptions = {
  readonly address: SyslogAddress;
  /** Number of the facility, 0-23 (RFC 5424, 6.2.1). */
  readonly facility: number;
  readonly format: SyslogFormat;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string; readonly skipVerify: boolean };
};

const known: ReadonlySet<string> = new Set([
  "syslog-address",
  "syslog-facility",
  "syslog-format",
  "syslog-tls-ca-cert",
  "syslog-tls-cert",
  "syslog-tls-key",
  "syslog-tls-skip-verify",
  ...attributeOptions,
]);

/** By number; 12 to 15 have no names in Docker. */
const facilities =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );

function parseAddress(text: string): SyslogAddress {
  if (text === "") return { transport: "local" };
  const { scheme, rest } = splitScheme("syslog-address", text);
  if (scheme === "unix" || scheme === "unixgram") {
    if (!existsSync(rest)) throw errors.logOptionInvalid(`stat ${rest}: no such file or directory`);
    return { transport: scheme, path: rest };
  }
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tcp+tls") {
    throw errors.logOptionInvalid(`unsupported scheme: '${scheme}'`);
  }
  const end = splitHostPort(rest.replace(/\/$/, ""), 514);
  if (end === undefined) throw errors.logOptionInvalid(`syslog-address: invalid address: ${rest}`);
  return { transport: scheme, ...end };
}

function parseFacility(text: string): number {
  if (text === "") return facilities.indexOf("daemon");
  const named = text === "-" ? -1 : facilities.indexOf(text);
  if (named >= 0) return named;
  const number = parseInteger(text);
  if (number === undefined || number < 0 || number > 23) throw errors.logOptionInvalid("invalid syslog facility");
  return number;
}

function parseFormat(text: string): SyslogFormat {
  if (text === "") return "unix";
  if (text === "rfc3164" || text === "rfc5424" || text === "rfc5424micro") return text;
  throw errors.logOptionInvalid("Invalid syslog format");
}

/** Checks the options of the syslog driver (moby `daemon/logger/syslog`). */
export function parseSyslogOptions(options: LogOptions): SyslogOptions {
  refuseUnknown("syslog", options, known);
  return {
    address: parseAddress(options["syslog-address"] ?? ""),
    facility: parseFacility(options["syslog-facility"] ?? ""),
    format: parseFormat(options["syslog-format"] ?? ""),
    tls: {
      ca: options["syslog-tls-ca-cert"] ?? "",
      cert: options["syslog-tls-cert"] ?? "",
      key: options["syslog-tls-key"] ?? "",
      // Its presence counts, whatever its value.
      skipVerify: options["syslog-tls-skip-verify"] !== undefined,
    },
  };
}
