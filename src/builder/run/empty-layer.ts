import type { Digest } from "#base";
import type { LayerLease, LayerStore } from "#images";

/** The diffID of a tar without members: two empty blocks. */
const emptyDiffId: Digest = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";

/** The layer that changes nothing, made when it is first needed. */
export async function emptyLayer(parts: { readonly layers: LayerStore; readonly lease: LayerLease }): Promise<Digest> {
  if (!parts.layers.has(emptyDiffId)) await parts.layers.apply(emptyTar(), { expected: emptyDiffId });
  parts.lease.add(emptyDiffId);
  return emptyDiffId;
}

async function* emptyTar(): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(1024);
}
