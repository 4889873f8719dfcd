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

/** A logger that writes records of `minimum` level and above with `write` (default: standard error). */
export function createLogger(
  minimum: LogLevel = "info",
  write: (line: string) => void = (line) => void process.stderr.write(line),
): Logger {
  const log =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (order.indexOf(level) < order.indexOf(minimum)) return;
      const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${field(value)}`);
      write(`time=${new Date().toISOString()} level=${level} msg=${field(message)}${pairs.join("")}\n`);
    };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}

/** A logger that says nothing; for tests and for one-shot commands. */
export const silentLogger: Logger = createLogger("error", () => {});
