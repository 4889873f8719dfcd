import { bytes, int32, int64, int64Exact, map, message, nested, one, text, uint32 } from "#grpc";

/*
 * How BuildKit's clients send and receive trees of files: the package fsutil (types/stat.proto, types/wire.proto), carried
 * by `moby.filesync.v1.FileSync` and `FileSend`.
 */

/** A file as its sender sees it; `mode` has Go's bits (io/fs.FileMode). */
export const fileStatus = message({
  path: one(1, text),
  mode: one(2, uint32),
  uid: one(3, uint32),
  gid: one(4, uint32),
  sizeBytes: one(5, int64),
  modifiedAt: one(6, int64Exact),
  linkName: one(7, text),
  deviceMajor: one(8, int64),
  deviceMinor: one(9, int64),
  attributes: map(10, bytes),
});

export const packet = message({
  type: one(1, int32),
  status: one(2, nested(fileStatus)),
  id: one(3, uint32),
  data: one(4, bytes),
});

/** What a packet is. */
export const packetType = { STATUS: 0, REQUEST: 1, DATA: 2, FINISH: 3, ERROR: 4 } as const;

/** Go's mode bits beyond the nine of permissions (io/fs). */
export const goMode = {
  DIRECTORY: 0x8000_0000,
  SYMLINK: 0x0800_0000,
  DEVICE: 0x0400_0000,
  NAMED_PIPE: 0x0200_0000,
  SOCKET: 0x0100_0000,
  SETUID: 0x0080_0000,
  SETGID: 0x0040_0000,
  CHARACTER_DEVICE: 0x0020_0000,
  STICKY: 0x0010_0000,
  IRREGULAR: 0x0008_0000,
} as const;
