import type { ServerResponse } from "node:http";
import { EngineError, errorMessage } from "#base";
import type { JsonMessage } from "#formats";
import { isGone, openStream } from "./stream-reply.ts";

/** A stream of JSON records, as build, load and import answer. */
export type JsonRecords = {
  /** Sends status and headers if they have not gone yet. */
  open(): void;
  /** Sends one record; opens the stream. */
  write(message: JsonMessage): void;
  /** Ends in failure: thrown on, to become a status, while nothing was sent; a last record otherwise. */
  fail(error: unknown, exitCode?: number): void;
  end(): void;
};

/** A client that stops reading may let this much pile up before its connection is cut. */
const BACKLOG_LIMIT_BYTES = 32 * 1024 * 1024;

/** Makes the stream; nothing is sent yet. */
export function createRecords(response: ServerResponse): JsonRecords {
  const open = () => {
    if (!response.headersSent && !isGone(response)) openStream(response, "application/json");
  };
  const write = (message: JsonMessage) => {
    if (isGone(response)) return;
    open();
    response.write(`${JSON.stringify(message)}\r\n`);
    if (response.writableLength > BACKLOG_LIMIT_BYTES) response.destroy();
  };
  const end = () => {
    open();
    if (!isGone(response)) response.end();
  };
  return {
    open,
    write,
    fail(error, exitCode) {
      if (!response.headersSent) throw error;
      const message =
        error instanceof EngineError && error.hint !== undefined
          ? `${error.message}\n${error.hint}`
          : errorMessage(error);
      write({ errorDetail: exitCode === undefined ? { message } : { code: exitCode, message }, error: message });
      end();
    },
    end,
  };
}
