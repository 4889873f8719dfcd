/**
 * Follows the frames of a zstd stream (RFC 8878, 3.1) without decoding them: the decoder takes a stream that breaks off in
 * the middle of a frame for one that has ended, and an archive cut short would pass for a small one.
 */
export type ZstdFrames = {
  write(chunk: Uint8Array): void;
  /** True between frames: the stream may end here. */
  isWhole(): boolean;
};

type Step = "magic" | "skippable-size" | "descriptor" | "header" | "block" | "checksum" | "skip";

const windowAndSizeBytes = [0, 2, 4, 8] as const;
const dictionaryBytes = [0, 1, 2, 4] as const;

/** See `ZstdFrames`. What is no zstd at all is left to the decoder to refuse. */
export function createZstdFrames(): ZstdFrames {
  const field = new Uint8Array(16);
  let step: Step = "magic";
  let filled = 0;
  let wanted = 4;
  let left = 0;
  let hasChecksum = false;
  let isLast = false;
  let isLost = false;

  const expect = (next: Step, bytes: number) => {
    step = next;
    wanted = bytes;
    filled = 0;
  };
  const skip = (bytes: number) => {
    step = "skip";
    left = bytes;
  };
  const afterBlock = () => {
    if (!isLast) expect("block", 3);
    else if (hasChecksum) expect("checksum", 4);
    else expect("magic", 4);
  };
  const little = (bytes: number) => {
    let value = 0;
    for (let index = bytes - 1; index >= 0; index--) value = value * 256 + (field[index] ?? 0);
    return value;
  };

  const fieldDone = () => {
    switch (step) {
      case "magic": {
        const magic = little(4);
        if (magic === 0xfd2fb528) expect("descriptor", 1);
        else if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) expect("skippable-size", 4);
        else isLost = true;
        return;
      }
      case "skippable-size":
        isLast = true;
        hasChecksum = false;
        skip(little(4));
        return;
      case "descriptor": {
        const descriptor = field[0] ?? 0;
        const isSingle = (descriptor & 0x20) !== 0;
        hasChecksum = (descriptor & 0x04) !== 0;
        const contentFlag = descriptor >> 6;
        const contentBytes = contentFlag === 0 && isSingle ? 1 : (windowAndSizeBytes[contentFlag] ?? 0);
        const bytes = (isSingle ? 0 : 1) + (dictionaryBytes[descriptor & 3] ?? 0) + contentBytes;
        expect("header", bytes);
        return;
      }
      case "header":
        expect("block", 3);
        return;
      case "block": {
        const header = little(3);
        isLast = (header & 1) !== 0;
        const size = header >> 3;
        // A block that repeats one byte has just that.
        skip(((header >> 1) & 3) === 1 ? 1 : size);
        return;
      }
      case "checksum":
      case "skip":
        expect("magic", 4);
    }
  };

  return {
    write: (chunk) => {
      for (let at = 0; at < chunk.length;) {
        if (isLost) return;
        if (step === "skip") {
          const take = Math.min(left, chunk.length - at);
          left -= take;
          at += take;
          if (left === 0) afterBlock();
          continue;
        }
        const take = Math.min(wanted - filled, chunk.length - at);
        field.set(chunk.subarray(at, at + take), filled);
        filled += take;
        at += take;
        if (filled === wanted) fieldDone();
      }
      // Nothing to skip needs no byte to be over.
      if (step === "skip" && left === 0) afterBlock();
    },
    isWhole: () => isLost || (step === "magic" && filled === 0),
  };
}
