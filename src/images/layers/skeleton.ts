import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";

/*
 * A layer's skeleton is its tar without the files' contents: everything needed to give the tar back byte for byte
 * from the unpacked directory (the idea of vbatts/tar-split). The file is a row of frames,
 *
 *     u32 compressed length · u32 raw length · zstd data
 *
 * and the raw data a row of records that never span frames:
 *
 *     0x00 · u32 length · bytes                       copy these bytes
 *     0x01 · u64 size · u32 length · path · u32 seq   copy that file (or `kept/<seq>` when it was replaced later)
 */

const FRAME = 1024 * 1024;

export type SkeletonWriter = {
  bytes(data: Uint8Array): void;
  file(path: string, sizeBytes: number, sequence: number): void;
  /** Writes what is left and closes the file (not synced). */
  close(): void;
};

/** Writes a skeleton to a new file. */
export function createSkeletonWriter(path: string): SkeletonWriter {
  const fd = openSync(path, "wx", 0o600);
  const frame = Buffer.alloc(FRAME);
  let length = 0;
  // The byte record being filled; headers come one after the other and share one record.
  let recordStart = -1;

  const closeRecord = () => {
    if (recordStart >= 0) frame.writeUInt32LE(length - recordStart - 5, recordStart + 1);
    recordStart = -1;
  };
  const flush = () => {
    closeRecord();
    if (length === 0) return;
    const packed = zstdCompressSync(frame.subarray(0, length));
    const head = Buffer.alloc(8);
    head.writeUInt32LE(packed.length, 0);
    head.writeUInt32LE(length, 4);
    writeSync(fd, Buffer.concat([head, packed]));
    length = 0;
  };

  return {
    bytes: (data) => {
      for (let offset = 0; offset < data.length;) {
        if (recordStart < 0) {
          if (FRAME - length < 512) flush();
          recordStart = length;
          frame[length] = 0;
          length += 5;
        }
        const take = Math.min(FRAME - length, data.length - offset);
        frame.set(data.subarray(offset, offset + take), length);
        length += take;
        offset += take;
        if (length === FRAME) flush();
      }
    },
    file: (filePath, sizeBytes, sequence) => {
      closeRecord();
      if (FRAME - length < filePath.length + 17) flush();
      frame[length] = 1;
      frame.writeBigUInt64LE(BigInt(sizeBytes), length + 1);
      frame.writeUInt32LE(filePath.length, length + 9);
      frame.write(filePath, length + 13, "latin1");
      frame.writeUInt32LE(sequence, length + 13 + filePath.length);
      length += 17 + filePath.length;
    },
    close: () => {
      flush();
      closeSync(fd);
    },
  };
}

export type SkeletonRecord =
  | { readonly kind: "bytes"; readonly bytes: Buffer }
  | { readonly kind: "file"; readonly path: string; readonly sizeBytes: number; readonly sequence: number };

/** Reads a skeleton record by record, one frame in memory at a time. Throws on any inconsistency. */
export function* readSkeleton(path: string): Generator<SkeletonRecord> {
  const total = statSync(path).size;
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(8);
    for (let position = 0; position < total;) {
      if (readSync(fd, head, 0, 8, position) !== 8) throw new Error("skeleton is cut off");
      const packedLength = head.readUInt32LE(0);
      const rawLength = head.readUInt32LE(4);
      if (rawLength > FRAME || position + 8 + packedLength > total) throw new Error("skeleton has a bad frame");
      const packed = Buffer.alloc(packedLength);
      if (readSync(fd, packed, 0, packedLength, position + 8) !== packedLength) throw new Error("skeleton is cut off");
      position += 8 + packedLength;
      const raw = zstdDecompressSync(packed);
      if (raw.length !== rawLength) throw new Error("skeleton has a bad frame");
      for (let offset = 0; offset < raw.length;) {
        if (raw[offset] === 0) {
          const length = raw.readUInt32LE(offset + 1);
          yield { kind: "bytes", bytes: raw.subarray(offset + 5, offset + 5 + length) };
          offset += 5 + length;
        } else if (raw[offset] === 1) {
          const length = raw.readUInt32LE(offset + 9);
          yield {
            kind: "file",
            sizeBytes: Number(raw.readBigUInt64LE(offset + 1)),
            path: raw.toString("latin1", offset + 13, offset + 13 + length),
            sequence: raw.readUInt32LE(offset + 13 + length),
          };
          offset += 17 + length;
        } else throw new Error("skeleton has an unknown record");
      }
    }
  } finally {
    closeSync(fd);
  }
}
