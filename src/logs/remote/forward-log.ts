import { delay } from "#base";
import type { LogRecord } from "../contract.ts";
import type { LogDelivery } from "../options/log-configuration.ts";
import { readLog } from "../read/read-log.ts";
import { readPosition, type SentPosition, writePosition } from "./position.ts";
import type { LogSender, RemoteDriver } from "./sender.ts";

/** Most records handed to a driver at once. */
const batchRecords = 512;
/** A position is written this often while records flow; a killed daemon repeats at most what was sent since. */
const positionIntervalMs = 200;

/** How long stopping waits for what is just being sent. */
const stopPatienceMs = 1000;

/** A log on its way to another place. */
export type LogForwarding = {
  /** Resolves when everything up to the end of the container's run was sent, or it was stopped. */
  readonly done: Promise<void>;
  /** Stops where it is; the position stays for the next time. */
  stop(): Promise<void>;
};

/**
 * Sends what is in the log at `path` from where an earlier call stopped, then what comes, until `ended` resolves and all
 * was sent. Records are sent again rather than lost when a connection breaks or the daemon is killed. `onError` hears of
 * trouble, once for each outage.
 */
export function forwardLog(options: {
  readonly path: string;
  readonly positionPath: string;
  readonly driver: RemoteDriver;
  readonly delivery: LogDelivery;
  /** A connection that is open already. */
  readonly sender?: LogSender | undefined;
  readonly ended: Promise<void>;
  readonly onError: (message: string) => void;
}): LogForwarding {
  const { driver, delivery, onError } = options;
  const abort = new AbortController();
  const { signal } = abort;
  const queue: LogRecord[] = [];
  let queuedBytes = 0;
  let readerDone = false;
  let dropped = 0;
  let wakeSender: () => void = () => {};
  let wakeReader: () => void = () => {};
  let position = readPosition(options.positionPath);
  let positionWritten = performance.now();
  let sender = options.sender;
  let failed = false;
  let isOver = false;
  let reachedEnd = false;
  let endPause: () => void = () => {};
  /** Waits, or not any longer when it is stopped. */
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (signal.aborted) endPause();
    });

  const store = (complete: boolean) => {
    if (position === undefined) return;
    position = { ...position, complete };
    positionWritten = performance.now();
    try {
      writePosition(options.positionPath, position);
    } catch (error) {
      onError(`the position in the log cannot be written: ${String(error)}`);
    }
  };

  const isFull = () =>
    queue.length > 0 && (queuedBytes >= delivery.bufferBytes || queue.length >= driver.bufferRecords);

  const read = async () => {
    const start = position;
    let skip = start?.count ?? 0;
    const records = readLog(options.path, {
      stdout: true,
      stderr: true,
      since: start?.time,
      follow: true,
      ended: options.ended,
      signal,
    });
    for await (const record of records) {
      if (start !== undefined && record.time === start.time && skip > 0) {
        skip--;
        continue;
      }
      const drops = delivery.dropsWhenFull || driver.bufferRecords !== Infinity;
      if (isFull() && drops) {
        if (dropped === 0) onError("the buffer is full: records are dropped");
        dropped++;
        continue;
      }
      while (isFull() && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wakeReader = resolve;
        });
      }
      if (signal.aborted) return;
      queue.push(record);
      queuedBytes += record.line.length;
      wakeSender();
    }
    reachedEnd = true;
  };

  const advance = (batch: readonly LogRecord[]) => {
    let next: SentPosition | undefined = position;
    for (const { time } of batch) {
      next = next?.time === time ? { ...next, count: next.count + 1 } : { time, count: 1, complete: false };
    }
    position = next;
    if (performance.now() - positionWritten > positionIntervalMs) store(false);
  };

  /** Resolves with how many records are off our hands. */
  const deliver = async (batch: readonly LogRecord[], isLast: boolean): Promise<number> => {
    const { retry } = driver;
    let waitMs = retry.waitMs;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        sender ??= await driver.connect();
        const taken = await sender.send(batch, { isLast });
        if (failed) failed = false;
        return taken ?? batch.length;
      } catch (error) {
        sender?.close();
        sender = undefined;
        if (!failed) onError(error instanceof Error ? error.message : String(error));
        failed = true;
        if (attempt >= retry.attempts) {
          onError(`${batch.length} records were given up after ${attempt} attempts`);
          return batch.length;
        }
        await pause(waitMs);
        waitMs = Math.min(waitMs * 2, retry.maxWaitMs);
      }
    }
    return 0;
  };

  /** Waits for a record after the first `known`, or the end of reading; false when `timeoutMs` was over before. */
  const awaitMore = async (known: number, timeoutMs: number): Promise<boolean> => {
    if (queue.length > known || readerDone || signal.aborted) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isMore = await new Promise<boolean>((resolve) => {
      wakeSender = () => resolve(true);
      if (timeoutMs !== Infinity) timer = setTimeout(() => resolve(false), timeoutMs);
    });
    clearTimeout(timer);
    return isMore;
  };

  const send = async () => {
    let isLast = false;
    for (;;) {
      const batch = queue.slice(0, batchRecords);
      if (batch.length === 0) {
        if (readerDone || signal.aborted) return;
        await awaitMore(0, Infinity);
        continue;
      }
      // A full batch or buffer cannot wait for more.
      const taken = await deliver(batch, isLast || readerDone || batch.length === batchRecords || isFull());
      if (signal.aborted) return;
      const sent = batch.slice(0, taken);
      queue.splice(0, taken);
      queuedBytes -= sent.reduce((sum, { line }) => sum + line.length, 0);
      advance(sent);
      dropped = 0;
      wakeReader();
      const kept = batch.length - taken;
      isLast = kept > 0 && !(await awaitMore(kept, sender?.keepsMs ?? 0));
    }
  };

  const run = async () => {
    // Of a run before this one: should the daemon be killed now, the next must know that more is to come.
    if (position?.complete === true) store(false);
    const reading = read().finally(() => {
      readerDone = true;
      wakeSender();
    });
    try {
      await Promise.all([reading, send()]);
    } catch (error) {
      onError(String(error));
    } finally {
      isOver = true;
      store(reachedEnd && !signal.aborted && queue.length === 0);
      sender?.close();
    }
  };
  const done = run();
  return {
    done,
    stop: async () => {
      abort.abort();
      endPause();
      wakeReader();
      wakeSender();
      // A destination that takes no bytes must not keep the daemon; what it has not taken is sent the next time.
      await Promise.race([done, delay(stopPatienceMs)]);
      if (isOver) return;
      store(false);
      sender?.close();
    },
  };
}
