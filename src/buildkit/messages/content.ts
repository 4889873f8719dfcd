import { bytes, int32, int64, message, one, text } from "#grpc";

/* The messages of containerd.services.content.v1.Content that clients' stores are read and written with. */

export const contentInfoRequest = message({ digest: one(1, text) });

export const readContentRequest = message({ digest: one(1, text), offset: one(2, int64), size: one(3, int64) });
export const readContentResponse = message({ offset: one(1, int64), data: one(2, bytes) });

export const writeContentRequest = message({
  action: one(1, int32),
  ref: one(2, text),
  total: one(3, int64),
  expected: one(4, text),
  offset: one(5, int64),
  data: one(6, bytes),
});
export const writeContentResponse = message({ action: one(1, int32), offset: one(4, int64), digest: one(6, text) });
