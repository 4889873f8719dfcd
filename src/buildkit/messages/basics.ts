import { bytes, int32, int64, int64Exact, many, message, nested, one, text } from "#grpc";

/** google.protobuf.Timestamp */
export const timestamp = message({ seconds: one(1, int64Exact), nanoseconds: one(2, int32) });

/** Nanoseconds since the epoch as a timestamp. */
export function timestampOf(nanoseconds: bigint): { readonly seconds: bigint; readonly nanoseconds: number } {
  const second = 1_000_000_000n;
  return { seconds: nanoseconds / second, nanoseconds: Number(nanoseconds % second) };
}

/** pb.Platform */
export const platform = message({
  architecture: one(1, text),
  os: one(2, text),
  variant: one(3, text),
  osVersion: one(4, text),
});

const position = message({ line: one(1, int32), character: one(2, int32) });

/** pb.Range */
export const sourceRange = message({ start: one(1, nested(position)), end: one(2, nested(position)) });

/** pb.SourceInfo */
export const sourceInfo = message({ filename: one(1, text), data: one(2, bytes), language: one(4, text) });

const any = message({ typeUrl: one(1, text), value: one(2, bytes) });

/** google.rpc.Status */
export const rpcStatus = message({ code: one(1, int64), message: one(2, text), details: many(3, nested(any)) });
