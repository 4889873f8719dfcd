import { digestOf } from "#base";
import type { LayerStore } from "#images";
import { createTarParser, encodeTarHeader, type TarHeader, tarEnd, tarPaddingOf } from "#wire";
import type { BuiltImage } from "../contract.ts";

/**
 * An image whose own layers hold no time after `epochSeconds` (SOURCE_DATE_EPOCH); those of its base stay as they are.
 * The new layers are in the store when it resolves.
 */
export async function rewriteTimes(
  layers: LayerStore,
  image: BuiltImage,
  epochSeconds: number,
  signal: AbortSignal,
): Promise<BuiltImage> {
  const inherited = image.base?.config.rootfs.diff_ids.length ?? 0;
  const diffIds: BuiltImage["diffIds"][number][] = [];
  for (const [index, diffId] of image.diffIds.entries()) {
    signal.throwIfAborted();
    if (index < inherited) diffIds.push(diffId);
    else diffIds.push((await layers.apply(clamped(layers.tarOf(diffId), epochSeconds))).diffId);
  }
  if (diffIds.every((diffId, index) => diffId === image.diffIds[index])) return image;
  const config = { ...image.config, rootfs: { ...image.config.rootfs, diff_ids: diffIds } };
  const configBytes = Buffer.from(JSON.stringify(config));
  return { ...image, config, configBytes, imageId: digestOf(configBytes), diffIds };
}

/** A tar with every time after `epochSeconds` set to it. */
async function* clamped(tar: AsyncIterable<Uint8Array>, epochSeconds: number): AsyncGenerator<Uint8Array, void> {
  let out: Uint8Array[] = [];
  let current: TarHeader | undefined;
  const parser = createTarParser({
    entry: (header) => {
      current = header;
      const isLater = header.mtimeSeconds >= epochSeconds;
      out.push(encodeTarHeader(isLater ? { ...header, mtimeSeconds: epochSeconds, mtimeNanoseconds: 0 } : header));
    },
    data: (bytes) => {
      // The parser may use its buffer again.
      out.push(Uint8Array.from(bytes));
    },
    end: () => {
      const padding = current === undefined ? 0 : tarPaddingOf(current.sizeBytes);
      if (padding > 0) out.push(new Uint8Array(padding));
    },
  });
  for await (const chunk of tar) {
    parser.write(chunk);
    yield* out;
    out = [];
  }
  parser.finish();
  yield* out;
  yield tarEnd;
}
