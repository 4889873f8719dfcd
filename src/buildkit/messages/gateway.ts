import { bytes, flag, int64, many, map, message, nested, one, text } from "#grpc";
import { rpcStatus, sourceInfo, sourceRange } from "./basics.ts";
import { definition, workerRecord } from "./control.ts";

/*
 * The messages of BuildKit's service `moby.buildkit.v1.frontend.LLBBridge` (frontend/gateway/pb/gateway.proto), as far as
 * clients of the Dockerfile front end use it.
 */

const reference = message({ id: one(1, text) });

export const result = message({
  referenceDeprecated: one(1, text),
  reference: one(3, nested(reference)),
  references: one(4, nested(message({ references: map(1, nested(reference)) }))),
  metadata: map(10, bytes),
});

export const bridgeSolveRequest = message({
  definition: one(1, nested(definition)),
  frontend: one(2, text),
  frontendOptions: map(3, text),
  allowResultReturn: one(5, flag),
  allowResultArrayReference: one(6, flag),
  cacheImports: many(12, nested(message({ type: one(1, text), attributes: map(2, text) }))),
  frontendInputs: map(13, nested(definition)),
  evaluate: one(14, flag),
});

export const bridgeSolveResponse = message({ reference: one(1, text), result: one(3, nested(result)) });

export const returnRequest = message({ result: one(1, nested(result)), error: one(2, nested(rpcStatus)) });

const capability = message({ id: one(1, text), enabled: one(2, flag) });

export const pongResponse = message({
  frontendCapabilities: many(1, nested(capability)),
  definitionCapabilities: many(2, nested(capability)),
  workers: many(3, nested(workerRecord)),
});

export const warnRequest = message({
  digest: one(1, text),
  level: one(2, int64),
  short: one(3, bytes),
  detail: many(4, bytes),
  url: one(5, text),
  info: one(6, nested(sourceInfo)),
  ranges: many(7, nested(sourceRange)),
});
