import { createTarParser, TarError, type TarVisitor } from "#wire";
import { errors } from "../errors.ts";
import { decompress } from "./decompress.ts";
import { createExtractor, type ExtractorOptions } from "./extractor.ts";

/** Runs synchronous work with umask 0, so that modes are what archives say. */
export function withoutUmask<T>(work: () => T): T {
  const before = process.umask(0);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/** Feeds an archive to a visitor, chunk by chunk; tar's own errors become ours. */
export async function parseArchive(
  archive: AsyncIterable<Uint8Array>,
  visitor: TarVisitor,
  onChunk: (chunk: Uint8Array) => void = () => {},
): Promise<void> {
  const parser = createTarParser(visitor);
  try {
    for await (const chunk of archive) {
      onChunk(chunk);
      withoutUmask(() => parser.write(chunk));
    }
    parser.finish();
  } catch (error) {
    if (error instanceof TarError) throw errors.layerArchiveInvalid(error.message);
    throw error;
  }
}

/**
 * Unpacks an archive (plain, gzip, zstd, xz, bzip2) below an open root directory. No member escapes the root: `..`,
 * absolute paths and links are resolved inside of it by the kernel (openat2, RESOLVE_IN_ROOT), at every step anew,
 * also while a container changes the tree.
 */
export async function extractArchive(
  archive: AsyncIterable<Uint8Array>,
  options: Omit<ExtractorOptions, "beforeRemoval">,
): Promise<void> {
  const extractor = createExtractor(options);
  try {
    await parseArchive(decompress(archive), {
      entry: (header) => void extractor.entry(header),
      data: (bytes) => extractor.data(bytes),
      hole: (bytes) => extractor.hole(bytes),
      end: () => extractor.end(),
    });
    extractor.finish();
  } catch (error) {
    extractor.abort();
    throw error;
  }
}
