import { bytes, flag, int32, int64, int64Exact, many, map, message, nested, one, text } from "#grpc";
import { rpcStatus, sourceInfo, sourceRange, timestamp, platform } from "./basics.ts";

/*
 * The messages of BuildKit's service `moby.buildkit.v1.Control` (api/services/control/control.proto), as far as a daemon
 * that has the Dockerfile front end alone needs them. Names follow our spelling; the numbers are the protocol.
 */

/** An LLB definition; only whether there is one matters here. */
export const definition = message({ operations: many(1, bytes) });

const cacheOption = message({ type: one(1, text), attributes: map(2, text) });

export const exporterChoice = message({ type: one(1, text), attributes: map(2, text) });

export const solveRequest = message({
  reference: one(1, text),
  definition: one(2, nested(definition)),
  exporter: one(3, text),
  exporterAttributes: map(4, text),
  session: one(5, text),
  frontend: one(6, text),
  frontendAttributes: map(7, text),
  cache: one(
    8,
    nested(
      message({
        exportReference: one(1, text),
        importReferences: many(2, text),
        exportAttributes: map(3, text),
        exports: many(4, nested(cacheOption)),
        imports: many(5, nested(cacheOption)),
      }),
    ),
  ),
  entitlements: many(9, text),
  frontendInputs: map(10, nested(definition)),
  internal: one(11, flag),
  sourcePolicy: one(12, nested(message({ version: one(1, int64), rules: many(2, bytes) }))),
  exporters: many(13, nested(exporterChoice)),
  sessionExporter: one(14, flag),
});

export const solveResponse = message({ exporterResponse: map(1, text) });

export const statusRequest = message({ reference: one(1, text) });

export const vertex = message({
  digest: one(1, text),
  inputs: many(2, text),
  name: one(3, text),
  cached: one(4, flag),
  started: one(5, nested(timestamp)),
  completed: one(6, nested(timestamp)),
  error: one(7, text),
});

export const vertexStatus = message({
  id: one(1, text),
  vertex: one(2, text),
  name: one(3, text),
  current: one(4, int64),
  total: one(5, int64),
  timestamp: one(6, nested(timestamp)),
  started: one(7, nested(timestamp)),
  completed: one(8, nested(timestamp)),
});

export const vertexLog = message({
  vertex: one(1, text),
  timestamp: one(2, nested(timestamp)),
  stream: one(3, int64),
  data: one(4, bytes),
});

export const vertexWarning = message({
  vertex: one(1, text),
  level: one(2, int64),
  short: one(3, bytes),
  detail: many(4, bytes),
  url: one(5, text),
  info: one(6, nested(sourceInfo)),
  ranges: many(7, nested(sourceRange)),
});

export const statusResponse = message({
  vertexes: many(1, nested(vertex)),
  statuses: many(2, nested(vertexStatus)),
  logs: many(3, nested(vertexLog)),
  warnings: many(4, nested(vertexWarning)),
});

export const bytesMessage = message({ data: one(1, bytes) });

export const buildkitVersion = message({ package: one(1, text), version: one(2, text), revision: one(3, text) });

const gcPolicy = message({
  all: one(1, flag),
  keepDuration: one(2, int64Exact),
  reservedSpace: one(3, int64),
  filters: many(4, text),
  maxUsedSpace: one(5, int64),
  minFreeSpace: one(6, int64),
});

export const workerRecord = message({
  id: one(1, text),
  labels: map(2, text),
  platforms: many(3, nested(platform)),
  gcPolicy: many(4, nested(gcPolicy)),
  version: one(5, nested(buildkitVersion)),
});

export const listWorkersRequest = message({ filters: many(1, text) });
export const listWorkersResponse = message({ records: many(1, nested(workerRecord)) });
export const infoResponse = message({ version: one(1, nested(buildkitVersion)) });

export const diskUsageRequest = message({ filters: many(1, text), ageLimit: one(2, int64Exact) });

export const usageRecord = message({
  id: one(1, text),
  isMutable: one(2, flag),
  inUse: one(3, flag),
  sizeBytes: one(4, int64),
  parent: one(5, text),
  createdAt: one(6, nested(timestamp)),
  lastUsedAt: one(7, nested(timestamp)),
  usageCount: one(8, int64),
  description: one(9, text),
  recordType: one(10, text),
  isShared: one(11, flag),
  parents: many(12, text),
});

export const diskUsageResponse = message({ records: many(1, nested(usageRecord)) });

export const pruneRequest = message({
  filters: many(1, text),
  all: one(2, flag),
  keepDuration: one(3, int64Exact),
  reservedSpace: one(4, int64),
  maxUsedSpace: one(5, int64),
  minFreeSpace: one(6, int64),
});

export const historyRequest = message({
  activeOnly: one(1, flag),
  reference: one(2, text),
  earlyExit: one(3, flag),
  filters: many(4, text),
  limit: one(5, int32),
});

export const descriptor = message({
  mediaType: one(1, text),
  digest: one(2, text),
  sizeBytes: one(3, int64),
  annotations: map(5, text),
});

export const resultInfo = message({
  result: one(1, nested(descriptor)),
  attestations: many(2, nested(descriptor)),
});

export const historyRecord = message({
  reference: one(1, text),
  frontend: one(2, text),
  frontendAttributes: map(3, text),
  exporters: many(4, nested(exporterChoice)),
  error: one(5, nested(rpcStatus)),
  createdAt: one(6, nested(timestamp)),
  completedAt: one(7, nested(timestamp)),
  logs: one(8, nested(descriptor)),
  exporterResponse: map(9, text),
  result: one(10, nested(resultInfo)),
  generation: one(12, int32),
  pinned: one(14, flag),
  cachedSteps: one(15, int32),
  totalSteps: one(16, int32),
  completedSteps: one(17, int32),
  externalError: one(18, nested(descriptor)),
  warnings: one(19, int32),
});

/** STARTED 0, COMPLETE 1, DELETED 2. */
export const historyEvent = message({ type: one(1, int32), record: one(2, nested(historyRecord)) });

export const updateHistoryRequest = message({
  reference: one(1, text),
  pinned: one(2, flag),
  remove: one(3, flag),
  finalize: one(4, flag),
});

export const nothing = message({});
