import type { LogRecord } from "../contract.ts";
import type { RemoteLog } from "../options/log-configuration.ts";

/** A connection to where a log is sent. */
export type LogSender = {
  /**
   * Hands records over, in order; resolves with how many were taken (nothing said = all). One that keeps records back, because
   * the next may belong to them, gets them again with those, or with `isLast` when none came within `keepsMs`: then it takes all.
   * Rejects when the connection is lost: the same records are then sent again on a new one.
   */
  send(records: readonly LogRecord[], more: { readonly isLast: boolean }): Promise<number | void>;
  /** @default records are never kept back */
  readonly keepsMs?: number;
  close(): void;
};

/** How long and how often a connection is tried before records are given up. */
export type RetryPolicy = {
  readonly waitMs: number;
  readonly maxWaitMs: number;
  readonly attempts: number;
};

/** A driver at work: how to connect, and what to do when that fails. */
export type RemoteDriver = {
  connect(): Promise<LogSender>;
  readonly retry: RetryPolicy;
  /** The first connection may fail without keeping the container from starting. */
  readonly connectsLater: boolean;
  /** Most records that may wait in memory. */
  readonly bufferRecords: number;
};

/** Connects before the container starts, and tries for ever after that. */
const steady = {
  retry: { waitMs: 100, maxWaitMs: 10_000, attempts: Infinity },
  connectsLater: false,
  bufferRecords: Infinity,
} satisfies Omit<RemoteDriver, "connect">;

/** The driver of a container's log; each is loaded when it is first used. */
export async function remoteDriver(remote: RemoteLog): Promise<RemoteDriver> {
  const { destination } = remote;
  switch (destination.driver) {
    case "journald": {
      const { connectJournal } = await import("./journald.ts");
      const connect = async () => connectJournal(remote);
      return { ...steady, connect };
    }
    case "syslog": {
      const { connectSyslog } = await import("./syslog.ts");
      const connect = () => connectSyslog(remote, destination.syslog);
      return { ...steady, connect };
    }
    case "fluentd": {
      const { fluentd } = destination;
      const { connectFluentd } = await import("./fluentd.ts");
      const { retryWaitMs, maxRetries } = fluentd;
      return {
        connect: () => connectFluentd(remote, fluentd),
        retry: { waitMs: retryWaitMs, maxWaitMs: Math.max(retryWaitMs, 60_000), attempts: maxRetries + 1 },
        connectsLater: fluentd.async,
        bufferRecords: fluentd.async ? fluentd.bufferRecords : Infinity,
      };
    }
    case "splunk": {
      const { splunk } = destination;
      const { connectSplunk } = await import("./splunk.ts");
      const connect = () => connectSplunk(remote, splunk);
      return { ...steady, connect };
    }
    case "awslogs": {
      const { awslogs } = destination;
      const { connectAwslogs } = await import("./awslogs.ts");
      const connect = () => connectAwslogs(remote, awslogs);
      return { ...steady, connect };
    }
    case "gcplogs": {
      const { gcplogs } = destination;
      const { connectGcplogs } = await import("./gcplogs.ts");
      const connect = () => connectGcplogs(remote, gcplogs);
      return { ...steady, connect };
    }
    case "gelf": {
      const { gelf } = destination;
      const { connectGelf } = await import("./gelf.ts");
      const waitMs = gelf.reconnectDelaySeconds * 1000;
      return {
        ...steady,
        connect: () => connectGelf(remote, gelf),
        retry: { waitMs, maxWaitMs: waitMs, attempts: gelf.maxReconnects + 1 },
      };
    }
  }
}
