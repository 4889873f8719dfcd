import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errors } from "../errors.ts";
import { createZstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd" | "xz" | "bzip2";

/** Output pieces of the decompressors: large enough that per-chunk costs vanish, small enough to stay in cache. */
const CHUNK = 256 * 1024;

/** Programs for formats Bun has no decoder for. Absolute paths: never looked up where an image could plant one. */
const programs = { xz: "/usr/bin/xz", bzip2: "/bin/bzip2" } as const;

/** Tells a compression by its magic bytes. */
export function detectCompression(head: Uint8Array): Compression {
  const starts = (...bytes: number[]) => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x1f, 0x8b)) return "gzip";
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return "zstd";
  // A skippable frame may come first (RFC 8878, 3.1.2).
  if (head[0] !== undefined && (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18)
    return "zstd";
  if (starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  if (starts(0x42, 0x5a, 0x68) && head[3] !== undefined && head[3] >= 0x31 && head[3] <= 0x39) return "bzip2";
  return "none";
}

async function* withHead(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* head;
    for (;;) {
      const next = await rest.next();
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

async function* throughProgram(name: "xz" | "bzip2", source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const program = programs[name];
  if (!existsSync(program)) throw errors.compressionUnsupported(name, program);
  const child = spawn(program, ["-dc"], { stdio: ["pipe", "pipe", "pipe"], env: {} });
  try {
    let said = "";
    child.stderr.on("data", (data: Buffer) => (said = (said + data.toString()).slice(0, 500)));
    const exit = new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? 1));
    });
    const feed = pipeline(Readable.from(source), child.stdin).then(
      () => undefined,
      (error: unknown) => error,
    );
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) yield chunk;
    const code = await exit;
    const failure = await feed;
    if (code !== 0) throw errors.layerArchiveInvalid(`${name}: ${said.trim()}`);
    if (failure !== undefined) throw failure;
  } finally {
    child.kill("SIGKILL");
  }
}

async function* throughStream(
  source: AsyncIterable<Uint8Array>,
  decoder: ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>,
): AsyncGenerator<Uint8Array> {
  const fed = pipeline(Readable.from(source, { objectMode: true }), decoder).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    const cause = (await fed) ?? error;
    // The source's own errors pass; the decoder's say what is wrong with the archive.
    if (cause instanceof Error && "code" in cause && /^(Z_|ZSTD_|ERR_)/.test(String(cause.code))) {
      throw errors.layerArchiveInvalid(`cannot decompress: ${cause.message}`);
    }
    throw cause;
  } finally {
    decoder.destroy();
  }
}

async function* throughZstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = createZstdFrames();
  const watched = (async function* () {
    for await (const chunk of source) {
      frames.write(chunk);
      yield chunk;
    }
  })();
  yield* throughStream(watched, createZstdDecompress({ chunkSize: CHUNK }));
  if (!frames.isWhole()) throw errors.layerArchiveInvalid("cannot decompress: unexpected end of the zstd stream");
}

/**
 * Passes an archive through, decompressed when its first bytes are those of gzip, zstd, xz or bzip2. Bounded memory;
 * the source is closed when the reader stops early. xz and bzip2 run the host's own program.
 */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let length = 0;
  while (length < 6) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(next.value);
    length += next.value.byteLength;
  }
  const compression = detectCompression(head.length === 1 ? (head[0] as Uint8Array) : Buffer.concat(head));
  const whole = withHead(head, iterator);
  if (compression === "none") yield* whole;
  else if (compression === "gzip") yield* throughStream(whole, createGunzip({ chunkSize: CHUNK }));
  else if (compression === "zstd") yield* throughZstd(whole);
  else yield* throughProgram(compression, whole);
}
