import { parseRfc3339 } from "#base";
import type { BuildProgress } from "#formats";
import type { statusResponse } from "../messages/control.ts";
import { timestampOf } from "../messages/basics.ts";
import type { ValueOf } from "#grpc";

type Status = Partial<ValueOf<typeof statusResponse>>;

function timeOf(text: string | undefined) {
  const nanoseconds = text === undefined ? undefined : parseRfc3339(text);
  return nanoseconds === undefined ? undefined : timestampOf(nanoseconds);
}

/** A build's progress as the message that clients of `Control.Status` and of `POST /build?version=2` read. */
export function statusOf(progress: BuildProgress, dockerfile?: { readonly text: string }): Status {
  return {
    vertexes: (progress.vertexes ?? []).map((vertex) => ({
      digest: vertex.digest,
      inputs: vertex.inputs,
      name: vertex.name,
      cached: vertex.cached,
      started: timeOf(vertex.started),
      completed: timeOf(vertex.completed),
      error: vertex.error,
    })),
    statuses: (progress.statuses ?? []).map((status) => ({
      id: status.id,
      vertex: status.vertex,
      current: status.current,
      total: status.total,
      timestamp: timeOf(status.timestamp),
      started: timeOf(status.started),
      completed: timeOf(status.completed),
    })),
    logs: (progress.logs ?? []).map((log) => ({
      vertex: log.vertex,
      timestamp: timeOf(log.timestamp),
      stream: log.stream,
      data: Buffer.from(log.data, "base64"),
    })),
    warnings: (progress.warnings ?? []).map((warning) => ({
      vertex: warning.vertex,
      level: warning.level,
      short: Buffer.from(warning.short, "base64"),
      detail: warning.detail?.map((line) => Buffer.from(line, "base64")),
      url: warning.url,
      info:
        warning.sourceInfo === undefined
          ? undefined
          : {
              filename: warning.sourceInfo.filename,
              data:
                dockerfile === undefined
                  ? Buffer.from(warning.sourceInfo.data ?? "", "base64")
                  : Buffer.from(dockerfile.text),
              language: "Dockerfile",
            },
      ranges: warning.range?.map(({ start, end }) => ({ start: { line: start.line }, end: { line: end.line } })),
    })),
  };
}
