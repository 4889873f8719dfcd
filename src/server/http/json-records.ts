import type { ServerResponse } from "node:http";
import { EngineError, errorMessage } from "#base";
import type { JsonMessage } from "#formats";
import { drained, isGone, openStream } from "./stream-reply.ts";

/** A stream of JSON records, as build, load and import answer. */
export type JsonRecords = {
  write(message: JsonMessage): void;
  /** Writes the failure: as a status when nothing was sent yet, as a last record otherwise. */
  fail(error: unknown, exitCode?: number): void;
  end(): void;
  /** Resolves when the client has taken what was written. */
  drained(): Promise<void>;
};

/** A client that stops reading may let this much pile up before its connection is cut. */
const BACKLOG_LIMIT_BYTES = 32 * 1024 * 1024;

/** Opens the stream now: 200 and headers go out before the work begins (subtle behaviour 143). */
export function openRecords(response: ServerResponse): JsonRecords {
  openStream(response, "application/json");
  const write = (message: JsonMessage) => {
    if (isGone(response)) return;
    response.write(`${JSON.stringify(message)}\r\n`);
    if (response.writableLength > BACKLOG_LIMIT_BYTES) response.destroy();
  };
  return {
    write,
    fail(error, exitCode) {
      const message =
        error instanceof EngineError && error.hint !== undefined
          ? `${error.message}\n${error.hint}`
          : errorMessage(error);
      write({ errorDetail: exitCode === undefined ? { message } : { code: exitCode, message }, error: message });
    },
    end() {
      if (!isGone(response)) response.end();
    },
    drained: () => drained(response),
  };
}
