import { encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";

/** Bytes like those of a file system: half text, half what does not compress. The same seed gives the same bytes. */
function createBytes(seed: number): (length: number) => Buffer {
  let state = seed >>> 0 || 1;
  const next = () => {
    // xorshift32
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const pool = Buffer.alloc(1 << 20);
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(next(), at);
  const words = Array.from({ length: 400 }, () => next().toString(36));
  const text = Buffer.from(Array.from({ length: 100_000 }, () => words[next() % words.length]).join(" "));
  return (length) => {
    const bytes = Buffer.allocUnsafe(length);
    for (let at = 0; at < length;) {
      const source = next() % 5 < 3 ? text : pool;
      const from = next() % (source.length - 4096);
      at += source.copy(bytes, at, from, from + Math.min(4096, length - at));
    }
    return bytes;
  };
}

/** A layer's tar: `files` files of `totalBytes` together, in directories of a hundred. */
export function* sampleLayer(options: {
  readonly seed: number;
  readonly files: number;
  readonly totalBytes: number;
  /** In this directory: "tree/". @default the root */
  readonly root?: string;
}): Generator<Buffer> {
  const { seed, files, totalBytes, root = "" } = options;
  const bytes = createBytes(seed);
  const size = Math.floor(totalBytes / files);
  const mtimeSeconds = 1_700_000_000;
  for (let index = 0; index < files; index++) {
    const folder = `${root}data-${seed}/${Math.floor(index / 100)}/`;
    if (index % 100 === 0) {
      yield Buffer.from(
        encodeTarHeader(plainTarHeader({ path: folder, type: "directory", mode: 0o755, mtimeSeconds })),
      );
    }
    // Sizes as they are: many small ones, some large, the same sum.
    const share = index % 2 === 0 ? Math.floor(size / 4) : 2 * size - Math.floor(size / 4);
    yield Buffer.from(
      encodeTarHeader(
        plainTarHeader({ path: `${folder}file-${index}`, type: "file", mode: 0o644, sizeBytes: share, mtimeSeconds }),
      ),
    );
    for (let left = share; left > 0; left -= 1 << 20) yield bytes(Math.min(left, 1 << 20));
    yield Buffer.alloc(tarPaddingOf(share));
  }
  yield Buffer.from(tarEnd);
}
