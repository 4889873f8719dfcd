import { errorMessage } from "#base";
import { errors } from "../errors.ts";
import { attributeOptions, type LogOptions, parseBoolean, parseInteger, refuseUnknown } from "./values.ts";

/** The options of the awslogs driver, checked. */
export type AwslogsOptions = {
  readonly group: string;
  /** "" = by the tag, which is the container's id unless given. */
  readonly stream: string;
  /** "" = as the environment, a profile or the instance says. */
  readonly region: string;
  readonly endpoint: string;
  /** Path of the container credentials' endpoint; "" = the usual places. */
  readonly credentialsPath: string;
  readonly createsGroup: boolean;
  readonly createsStream: boolean;
  /** A line that matches begins an event; undefined = each line is one. */
  readonly eventStart: RegExp | undefined;
  readonly isEmbeddedMetrics: boolean;
  /** How long an event of several lines may wait for its next. */
  readonly flushMs: number;
  readonly maxBufferedEvents: number;
};

const known: ReadonlySet<string> = new Set([
  "awslogs-group",
  "awslogs-stream",
  "awslogs-region",
  "awslogs-endpoint",
  "awslogs-credentials-endpoint",
  "awslogs-create-group",
  "awslogs-create-stream",
  "awslogs-datetime-format",
  "awslogs-multiline-pattern",
  "awslogs-force-flush-interval-seconds",
  "awslogs-max-buffered-events",
  "awslogs-format",
  ...attributeOptions,
]);

/** What a strftime(3) conversion may look like (moby `daemon/logger/awslogs`, strftimeToRegex). */
const conversions: Readonly<Record<string, string>> = {
  "%a": "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
  "%A": "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)",
  "%w": "[0-6]",
  "%d": "(?:0[1-9]|[12][0-9]|3[01])",
  "%b": "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
  "%B": "(?:January|February|March|April|May|June|July|August|September|October|November|December)",
  "%m": "(?:0[1-9]|1[0-2])",
  "%Y": "\\d{4}",
  "%y": "\\d{2}",
  "%H": "(?:[01][0-9]|2[0-3])",
  "%I": "(?:0[0-9]|1[0-2])",
  "%p": "[AP]M",
  "%M": "[0-5][0-9]",
  "%S": "[0-5][0-9]",
  "%L": "\\.\\d{3}",
  "%f": "\\d{6}",
  "%z": "[+-]\\d{4}",
  "%Z": "[A-Z]{1,4}T",
  "%j": "(?:0[0-9][1-9]|[12][0-9][0-9]|3[0-5][0-9]|36[0-6])",
};

function eventStartOf(options: LogOptions): RegExp | undefined {
  const dateFormat = options["awslogs-datetime-format"];
  const pattern = options["awslogs-multiline-pattern"];
  if (dateFormat !== undefined && pattern !== undefined) {
    throw errors.logOptionInvalid(
      "you cannot configure log opt 'awslogs-datetime-format' and 'awslogs-multiline-pattern' at the same time",
    );
  }
  if (dateFormat === "")
    throw errors.logOptionInvalid("must specify valid value for log opt 'awslogs-datetime-format'");
  const source = pattern ?? dateFormat?.replaceAll(/%./g, (conversion) => conversions[conversion] ?? conversion);
  if (source === undefined) return undefined;
  try {
    return new RegExp(source.replaceAll("(?P<", "(?<"));
  } catch (error) {
    throw errors.logOptionInvalid(`awslogs could not parse multiline pattern key "${source}": ${errorMessage(error)}`);
  }
}

function flag(options: LogOptions, name: string, byDefault: boolean): boolean {
  const text = options[name];
  if (text === undefined) return byDefault;
  const value = parseBoolean(text);
  if (value === undefined) {
    throw errors.logOptionInvalid(
      `must specify valid value for log opt '${name}': strconv.ParseBool: parsing "${text}": invalid syntax`,
    );
  }
  return value;
}

function positive(options: LogOptions, name: string, byDefault: number): number {
  const text = options[name];
  if (text === undefined) return byDefault;
  const value = parseInteger(text);
  if (value === undefined || value <= 0) {
    throw errors.logOptionInvalid(`must specify a positive integer for log opt '${name}': ${text}`);
  }
  return value;
}

/** Checks the options of the awslogs driver (moby `daemon/logger/awslogs`, ValidateLogOpt). */
export function parseAwslogsOptions(options: LogOptions): AwslogsOptions {
  refuseUnknown("awslogs", options, known);
  const group = options["awslogs-group"] ?? "";
  if (group === "") throw errors.logOptionInvalid("must specify a value for log opt 'awslogs-group'");
  const endpoint = options["awslogs-endpoint"] ?? "";
  if (endpoint !== "" && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw errors.logOptionInvalid(`must specify an http or https address for log opt 'awslogs-endpoint': ${endpoint}`);
  }
  const credentialsPath = options["awslogs-credentials-endpoint"] ?? "";
  if (credentialsPath !== "" && !credentialsPath.startsWith("/")) {
    throw errors.logOptionInvalid(`must specify a path for log opt 'awslogs-credentials-endpoint': ${credentialsPath}`);
  }
  const format = options["awslogs-format"] ?? "";
  if (format !== "" && format !== "json/emf") {
    throw errors.logOptionInvalid(`unsupported log format '${format}'`);
  }
  const eventStart = eventStartOf(options);
  if (format !== "" && eventStart !== undefined) {
    throw errors.logOptionInvalid(
      "you cannot configure log opt 'awslogs-datetime-format' or 'awslogs-multiline-pattern' when log opt 'awslogs-format' is set to 'json/emf'",
    );
  }
  return {
    group,
    stream: options["awslogs-stream"] ?? "",
    region: options["awslogs-region"] ?? "",
    endpoint,
    credentialsPath,
    createsGroup: flag(options, "awslogs-create-group", false),
    createsStream: flag(options, "awslogs-create-stream", true),
    eventStart,
    isEmbeddedMetrics: format !== "",
    flushMs: positive(options, "awslogs-force-flush-interval-seconds", 5) * 1000,
    maxBufferedEvents: positive(options, "awslogs-max-buffered-events", 4096),
  };
}
