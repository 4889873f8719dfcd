/** How much a record matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

const order: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Structured log of a long-lived process: one line a record, `key=value` fields, on standard error. */
export type Logger = {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
};

function field(value: unknown): string {
  const text =
    value instanceof Error
      ? value.message
      : typeof value === "string"
        ? value
        : ((JSON.stringify(value) as string | undefined) ?? "undefined");
  return /^[\w./:@+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Records as `key=value` fields or as JSON objects, one a line. */
export type LogFormat = "text" | "json";

/** A logger whose least level can be changed while it is used. */
export type AdjustableLogger = Logger & { setMinimum(level: LogLevel): void };

/** A logger that writes records of `minimum` level and above with `write` (default: standard error). */
export function createLogger(
  minimum: LogLevel = "info",
  write: (line: string) => void = (line) => void process.stderr.write(line),
  format: LogFormat = "text",
): AdjustableLogger {
  let least = order.indexOf(minimum);
  const log =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (order.indexOf(level) < least) return;
      const time = new Date().toISOString();
      if (format === "json") {
        const plain = Object.entries(fields).map(([key, value]) => [
          key,
          value instanceof Error ? value.message : value,
        ]);
        write(`${JSON.stringify({ ...Object.fromEntries(plain), level, msg: message, time })}\n`);
        return;
      }
      const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${field(value)}`);
      write(`time=${time} level=${level} msg=${field(message)}${pairs.join("")}\n`);
    };
  return {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
    setMinimum: (level) => {
      least = order.indexOf(level);
    },
  };
}

/** A logger that says nothing; for tests and for one-shot commands. */
export const silentLogger: Logger = createLogger("error", () => {});
