export * from "./contract.ts";
export { CONFIG_LIMIT, parseImageConfig } from "./catalog/image-config.ts";
export type { LayerBlob, LayerBlobs } from "./layers/blobs.ts";
export { decompress } from "./extract/decompress.ts";
export { extractInto, tarOfDirectory } from "./directory-archive.ts";
export { type ImageStore, openImageStore, type StorageDriver } from "./open-store.ts";
export { treeSize } from "./snapshots/usage.ts";
export { createExtractor, type Extractor, type ExtractorOptions } from "./extract/extractor.ts";
export { bootstrapImage, type BootstrapOptions } from "./bootstrap/bootstrap.ts";
