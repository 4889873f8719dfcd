import { formatRfc3339Fixed } from "#base";
import type { BuildProgress } from "#formats";
import type { BuildEvent } from "../contract.ts";

/** An event as clients read it; undefined for one that only classic clients do. */
export function progressOf(event: BuildEvent): BuildProgress | undefined {
  const time = (value: bigint | undefined) => (value === undefined ? undefined : formatRfc3339Fixed(value));
  switch (event.kind) {
    case "vertex":
      return {
        vertexes: [
          {
            digest: event.digest,
            ...(event.inputs.length === 0 ? {} : { inputs: event.inputs }),
            name: event.name,
            started: time(event.started),
            completed: time(event.completed),
            ...(event.cached ? { cached: true } : {}),
            ...(event.error === undefined ? {} : { error: event.error }),
          },
        ],
      };
    case "status":
      return {
        statuses: [
          {
            id: event.id,
            vertex: event.vertex,
            total: event.total,
            current: event.current,
            timestamp: formatRfc3339Fixed(event.timestamp),
            started: time(event.started),
            completed: time(event.completed),
          },
        ],
      };
    case "log":
      return {
        logs: [
          {
            vertex: event.vertex,
            stream: event.stream === "stdout" ? 1 : 2,
            data: Buffer.from(event.data).toString("base64"),
            timestamp: formatRfc3339Fixed(event.timestamp),
          },
        ],
      };
    case "warning": {
      const { startLine, endLine, file } = event.source;
      const short = event.rule === "" ? event.message : `${event.rule}: ${event.message}`;
      return {
        warnings: [
          {
            vertex: event.vertex,
            level: 1,
            short: Buffer.from(short).toString("base64"),
            detail: [Buffer.from(event.description).toString("base64")],
            url: event.url,
            sourceInfo: { filename: file },
            range: [{ start: { line: startLine }, end: { line: endLine } }],
          },
        ],
      };
    }
    case "classic":
    case "classic-image":
      return undefined;
  }
}
