import { errors } from "../errors.ts";
import {
  attributeOptions,
  booleanOption,
  type LogOptions,
  parseBoolean,
  parseInteger,
  refuseUnknown,
} from "./values.ts";

/** The options of the splunk driver, checked. */
export type SplunkOptions = {
  /** The HTTP Event Collector, with its path. */
  readonly url: string;
  readonly token: string;
  readonly source: string;
  readonly sourceType: string;
  readonly index: string;
  readonly format: "inline" | "json" | "raw";
  /** Path of a PEM file; "" = the system's authorities. */
  readonly caPath: string;
  /** The name on the server's certificate; "" = that of the address. */
  readonly caName: string;
  readonly skipVerify: boolean;
  readonly verifiesConnection: boolean;
  /** zlib's level, -1 to 9; undefined = sent as it is. */
  readonly gzipLevel: number | undefined;
  readonly acknowledges: boolean;
};

const known: ReadonlySet<string> = new Set([
  "splunk-url",
  "splunk-token",
  "splunk-source",
  "splunk-sourcetype",
  "splunk-index",
  "splunk-capath",
  "splunk-caname",
  "splunk-insecureskipverify",
  "splunk-format",
  "splunk-verify-connection",
  "splunk-gzip",
  "splunk-gzip-level",
  "splunk-index-acknowledgment",
  ...attributeOptions,
]);

function collectorUrl(text: string): string {
  if (text === "") throw errors.logOptionInvalid("splunk: splunk-url is expected");
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw errors.logOptionInvalid("splunk: failed to parse splunk-url as url value in splunk");
  }
  const isPlain = /^https?:$/.test(url.protocol) && url.pathname === "/" && url.search === "" && url.hash === "";
  if (!isPlain || url.username !== "") {
    throw errors.logOptionInvalid("splunk: expected format scheme://dns_name_or_ip:port for splunk-url");
  }
  return `${url.origin}/services/collector/event/1.0`;
}

function gzipLevelOf(options: LogOptions): number | undefined {
  const text = options["splunk-gzip-level"];
  const level = text === undefined ? -1 : parseInteger(text);
  if (level === undefined || level < -1 || level > 9) {
    throw errors.logOptionInvalid(
      `not supported level '${text ?? ""}' for splunk-gzip-level (supported values between -1 and 9)`,
    );
  }
  return booleanOption(options, "splunk-gzip") ? level : undefined;
}

/** Checks the options of the splunk driver (moby `daemon/logger/splunk`). */
export function parseSplunkOptions(options: LogOptions): SplunkOptions {
  refuseUnknown("splunk", options, known);
  const url = collectorUrl(options["splunk-url"] ?? "");
  const token = options["splunk-token"] ?? "";
  if (token === "") throw errors.logOptionInvalid("splunk: splunk-token is expected");
  // It becomes a header.
  if (!/^[\x21-\x7e]+$/.test(token)) throw errors.logOptionInvalid("splunk: splunk-token is not one word");
  const format = options["splunk-format"] ?? "inline";
  if (format !== "inline" && format !== "json" && format !== "raw") {
    throw errors.logOptionInvalid(`unknown format specified ${format}, supported formats are inline, json and raw`);
  }
  const verifies = options["splunk-verify-connection"];
  if (verifies !== undefined && parseBoolean(verifies) === undefined) {
    throw errors.logOptionInvalid(`strconv.ParseBool: parsing "${verifies}": invalid syntax`);
  }
  return {
    url,
    token,
    source: options["splunk-source"] ?? "",
    sourceType: options["splunk-sourcetype"] ?? "",
    index: options["splunk-index"] ?? "",
    format,
    caPath: options["splunk-capath"] ?? "",
    caName: options["splunk-caname"] ?? "",
    skipVerify: booleanOption(options, "splunk-insecureskipverify"),
    verifiesConnection: verifies === undefined || parseBoolean(verifies) === true,
    gzipLevel: gzipLevelOf(options),
    acknowledges: booleanOption(options, "splunk-index-acknowledgment"),
  };
}
